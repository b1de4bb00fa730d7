"""Picture files through a function, with progress and a report of the bad ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.output import print_error

if TYPE_CHECKING:
    from PIL.Image import Image

    from restorekit.errors import RestoreKitError
    from restorekit.restore.batch import Plan

    Report = Callable[[Path, RestoreKitError | None], None]

Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT", help="Pictures and folders.")]
OUTPUT = typer.Option("-o", "--output", metavar="OUTPUT", help="A picture, or a folder ('out/').")


def process(
    plan: Plan,
    change: Callable[[Image], Image],
    label: str,
    *,
    overwrite_input: bool = False,
    after: Callable[[], None] | None = None,
) -> None:
    """Change every picture of a plan; exit with 2 after the last one if any failed.

    Args:
        plan: (source, target) pairs.
        change: what is done to each picture.
        label: what the progress is called.
        overwrite_input: allow a file to be replaced by its own result.
        after: called after each file, whether it failed or not.
    """
    from restorekit.restore.batch import restore_files

    with _progress(plan, label) as show:

        def report(source: Path, error: RestoreKitError | None) -> None:
            show(source, error)
            if after is not None:
                after()

        failures = restore_files(plan, change, overwrite_input, report)
    for source, error in failures:
        message = str(error)
        print_error(message if str(source) in message else f"'{source}': {message}")
    if failures:
        raise typer.Exit(2)


@contextmanager
def _progress(plan: Plan, label: str) -> Iterator[Report]:
    """A bar on a terminal; elsewhere a line on stdout for each file that is written."""
    if not sys.stderr.isatty():
        targets = dict(plan)
        yield lambda source, error: None if error else print(targets[source], flush=True)
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(label, total=len(plan))

        def advance(*_: object) -> None:
            bar.advance(task)

        yield advance
