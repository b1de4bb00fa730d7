"""How a run shows itself: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from restorekit.untrusted.text import escaped


def describe_psnr(row: Mapping[str, Any]) -> str:
    """A validation's PSNR, restored and noisy, as "PSNR 28.10 dB, noisy 20.30"."""
    return f"PSNR {row['psnr']:.2f} dB, noisy {row['psnr_noisy']:.2f}"


def gains(row: Mapping[str, Any]) -> bool:
    """Whether a validation found the restored images better than the noisy ones."""
    return bool(row) and row["psnr"] > row["psnr_noisy"]


class RunProgress:
    """Progress display: steps, time left, images per second, loss and PSNR of the last validation.

    Args:
        total: steps of the whole run.
        shown: whether anything is printed; one process of several does.
        every: seconds between lines if the output is not a terminal.
    """

    def __init__(self, total: int, shown: bool = True, every: float = 30.0) -> None:
        self.console = Console(file=sys.stderr, quiet=not shown)
        self.start, self.total, self.every = 0, total, every
        self.began = self.printed = time.monotonic()
        self.validated: Mapping[str, Any] = {}
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
        self.task = self.bar.add_task("training", total=total, figures="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def begin(self, start: int) -> None:
        """Count from here: steps done before this process began take no time."""
        self.start, self.began = start, time.monotonic()
        self.bar.reset(self.task, total=self.total, completed=start, figures="")

    def update(self, step: int, row: Mapping[str, Any]) -> None:
        """Show what was logged at a step."""
        figures = f"{row['images_per_second']:.0f} images/s  loss {row['loss']:.4f}"
        if self.validated:
            figures += f"  {describe_psnr(self.validated)}"
        self.bar.update(self.task, completed=step, figures=figures)
        now = time.monotonic()
        if self.bar.disable and (now - self.printed >= self.every or step == self.total):
            self.printed = now
            done = max(step - self.start, 1)
            left = (now - self.began) / done * (self.total - step)
            self.say(f"step {step}/{self.total}  {figures}  {left:.0f} s left")

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.console.print(escaped(line), highlight=False, markup=False, soft_wrap=True)
