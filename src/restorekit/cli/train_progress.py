"""How `restorekit train` shows a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
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

from restorekit.train.metric_rows import TrainingRow
from restorekit.train.progress import RunProgress
from restorekit.untrusted.text import escaped


class ConsoleProgress(RunProgress):
    """The progress of a run on stderr.

    Args:
        total: steps of the whole run.
        shown: whether anything is printed; one process of several does.
    """

    def __init__(self, total: int, shown: bool = True) -> None:
        super().__init__(total, shown)
        self.console = Console(file=sys.stderr, quiet=not shown)
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(self, start: int) -> None:
        """Count from here."""
        super().begin(start)
        self.bar.reset(self.task, total=self.total, completed=start, figures="")

    def update(self, step: int, row: TrainingRow) -> None:
        """Move the bar; without one, print a line now and then."""
        if self.bar.disable:
            super().update(step, row)
        else:
            self.bar.update(self.task, completed=step, figures=self.figures(row))

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        # Paths can contain brackets, which rich would take for markup, and must not be wrapped.
        self.console.print(escaped(line), highlight=False, markup=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print a warning above the bar."""
        self.say(f"warning: {line}")
