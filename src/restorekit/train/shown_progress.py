"""The option `progress` of a run: a bar or lines on the console, or a function of the user."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from restorekit.progress_bar import Progress, ProgressBar, Report, check_progress
from restorekit.train.metric_rows import TrainingRow
from restorekit.train.progress import RunProgress


class ConsoleProgress(RunProgress):
    """The progress of a run on stderr.

    Args:
        total: steps of the whole run.
        shown: whether anything is printed; one process of several does.
    """

    def __init__(self, total: int, shown: bool = True) -> None:
        super().__init__(total, shown)
        self.bar = ProgressBar("training", shown)

    def __enter__(self) -> Self:
        self.bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.__exit__(kind, error, trace)

    def begin(self, start: int) -> None:
        """Count from here."""
        super().begin(start)
        self.bar.begin(start, self.total)

    def update(self, step: int, row: TrainingRow) -> None:
        """Move the bar; without one, print a line now and then."""
        if self.bar.is_drawn:
            self.bar.update(step, self.total, self.figures(row))
        else:
            super().update(step, row)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self.bar.say(line)

    def warn(self, line: str) -> None:
        """Print a warning above the bar."""
        self.say(f"warning: {line}")


class CalledProgress(RunProgress):
    """The progress of a run, also to a function of the user.

    Args:
        report: called with the step, the number of steps and a line of figures.
        total: steps of the whole run.
        shown: whether it is called; it is in one process of several.
    """

    def __init__(self, report: Report, total: int, shown: bool = True) -> None:
        super().__init__(total, shown)
        self.report = report

    def begin(self, start: int) -> None:
        """Count from here."""
        super().begin(start)
        self._tell(start, "")

    def update(self, step: int, row: TrainingRow) -> None:
        """Report a step that was logged."""
        super().update(step, row)
        self._tell(step, self.figures(row))

    def _tell(self, step: int, message: str) -> None:
        if self.shown:
            self.report(step, self.total, message)


def make_progress(progress: Progress, total: int, shown: bool) -> RunProgress:
    """What reports a run of a number of steps, as the option `progress` says.

    Raises:
        ArgumentError: it is neither a boolean nor a function.
    """
    check_progress(progress)
    if isinstance(progress, type) and issubclass(progress, RunProgress):
        return progress(total, shown)
    if not isinstance(progress, bool):
        return CalledProgress(progress, total, shown)
    return ConsoleProgress(total, shown) if progress else RunProgress(total, shown)
