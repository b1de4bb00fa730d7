"""How a run shows itself: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class RunProgress:
    """Steps done, time left, images a second, the loss and the last validation's PSNR.

    Args:
        start: steps done before this process began.
        total: steps of the whole run.
        every: seconds between plain lines where the output is no terminal.
    """

    def __init__(self, start: int, total: int, every: float = 30.0) -> None:
        self.console = Console(file=sys.stderr)
        self.start, self.total, self.every = start, total, every
        self.began = self.printed = time.monotonic()
        self.psnr: float | None = None
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("training", total=total, completed=start, figures="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def update(self, step: int, loss: float, rate: float) -> None:
        """Show a step's figures; `rate` is in images a second."""
        figures = f"{rate:.0f} images/s  loss {loss:.4f}"
        if self.psnr is not None:
            figures += f"  PSNR {self.psnr:.2f} dB"
        self.bar.update(self.task, completed=step, figures=figures)
        now = time.monotonic()
        if self.bar.disable and (now - self.printed >= self.every or step == self.total):
            self.printed = now
            done = max(step - self.start, 1)
            left = (now - self.began) / done * (self.total - step)
            line = f"step {step}/{self.total}  {figures}  {left:.0f} s left"
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)
