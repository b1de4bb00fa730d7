"""The option `progress` of long functions: nothing, a bar, or a function of the caller."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from restorekit.errors import ArgumentError
from restorekit.untrusted.text import escaped, quoted

# Called with the number that is done, the total, and a line of text.
Report = Callable[[int, int, str], object]
Progress = bool | Report

_NOTEBOOK_SECONDS = 0.2  # between two updates of a bar in a notebook


def check_progress(progress: object) -> None:
    """Check the option.

    Raises:
        ArgumentError: it is neither a boolean nor a function.
    """
    if not isinstance(progress, bool) and not callable(progress):
        raise ArgumentError(
            "progress is True, False, or a function of (done, total, message), "
            f"not {quoted(progress)}"
        )


@contextmanager
def progress_reported(progress: Progress, label: str) -> Iterator[Report]:
    """Provide a function that reports how far the work in the block has come.

    Args:
        progress: True for a bar, False for nothing, or the function itself.
        label: what the bar is called.

    Raises:
        ArgumentError: `progress` is something else.
    """
    check_progress(progress)
    if callable(progress):
        yield progress
    elif not progress:
        yield _nothing
    else:
        with ProgressBar(label) as bar:
            yield bar.update


def _nothing(done: int, total: int, message: str) -> None:
    """Report nothing."""


class ProgressBar:
    """A bar on a terminal or in a notebook; a line now and then elsewhere, for example in a log.

    Args:
        label: what stands before the bar.
        is_shown: whether anything is shown; one process of several does.
        seconds: between the lines.

    Attributes:
        is_drawn: whether there is a bar, instead of lines.
    """

    def __init__(self, label: str, is_shown: bool = True, seconds: float = 30.0) -> None:
        # Here, because rich takes longer to import than many commands run.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._console = Console(file=sys.stderr, quiet=not is_shown)
        self._in_notebook = is_shown and self._console.is_jupyter
        # In a notebook, rich needs ipywidgets to move a bar; the notebook itself can do so.
        on_terminal = self._console.is_terminal and not self._in_notebook
        self.is_drawn = on_terminal or self._in_notebook
        name, text = (
            TextColumn(f"{{task.{each}}}", markup=False)
            for each in ("description", "fields[message]")
        )
        columns = (name, BarColumn(), MofNCompleteColumn(), Remaining(), text)
        self._bar = Progress(*columns, console=self._console, disable=not on_terminal)
        self._task = self._bar.add_task(label, total=None, message="")
        self._label, self._seconds = label, seconds
        self._shown = time.monotonic()
        self._display: Any = None

    def __enter__(self) -> Self:
        if not self._bar.disable:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Before version 14, rich prints an empty line at the end of a bar that is disabled.
        if not self._bar.disable:
            self._bar.live.transient = error is not None  # so that an error is printed alone
            self._bar.stop()

    def begin(self, done: int, total: int) -> None:
        """Start at a number that an earlier process has reached; it takes no time."""
        self._bar.reset(self._task, total=total, completed=done, message="")

    def update(self, done: int, total: int, message: str) -> None:
        """Move the bar; without one, print a line if the last one is long enough ago."""
        self._bar.update(self._task, completed=done, total=total, message=escaped(message))
        if self._in_notebook:
            self._draw_in_notebook(is_last=done == total)
        elif not self.is_drawn and self._is_due(self._seconds, done == total):
            self.say(f"{self._label} {done}/{total}  {message}")

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        # Paths can contain brackets, which rich would take for markup, and must not be wrapped.
        self._console.print(escaped(line), highlight=False, markup=False, soft_wrap=True)

    def _draw_in_notebook(self, is_last: bool) -> None:
        from IPython.display import display

        table = self._bar.make_tasks_table(self._bar.tasks)
        if self._display is None:
            self._display = display(table, display_id=True)  # type: ignore[no-untyped-call]
        elif self._is_due(_NOTEBOOK_SECONDS, is_last):
            self._display.update(table)

    def _is_due(self, seconds: float, is_last: bool) -> bool:
        now = time.monotonic()
        if now - self._shown < seconds and not is_last:
            return False
        self._shown = now
        return True
