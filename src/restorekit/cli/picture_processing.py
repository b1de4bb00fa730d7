"""Picture files through a function, with progress and a report of the bad ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.output import print_error, print_line
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.pictures.processing.file_plan import FilePlan
    from restorekit.pictures.processing.many_files import FileOutcome
    from restorekit.pictures.processing.one_file import PictureChange, WriteOptions
    from restorekit.pictures.processing.worker import Worker

    Report = Callable[[FileOutcome], None]

# Texts, for an empty one would become the path of the current folder.
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT", help="Pictures or folders.")]
OUTPUT = typer.Option("-o", "--output", metavar="OUTPUT", help="A picture or a folder ('out/').")
Black = Annotated[str, typer.Option("--black", metavar="N", help="Value of black, or auto.")]
White = Annotated[str, typer.Option("--white", metavar="N", help="Value of white, or auto.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="List metadata that was left out.")]


def read_range(black: str, white: str) -> tuple[float | None, float | None]:
    """The values of --black and --white, None for auto.

    Raises:
        ArgumentError: a value is not a number, or the range is empty.
    """
    from restorekit.pictures.value_ranges import check_range

    return check_range(_end("--black", black), _end("--white", white))


def process_with_progress(
    plan: FilePlan,
    change: PictureChange,
    label: str,
    *,
    writing: WriteOptions,
    worker: Worker,
    at_once: int = 0,
    tell: Report | None = None,
    verbose: bool = False,
) -> None:
    """Change every picture of a plan; exit with 2 after the last one if any failed.

    Args:
        plan: (source, target) pairs.
        change: what is done to each picture.
        label: what the progress is called.
        writing: how the results are written.
        share: which of the files are this process's.
        at_once: up to how many pixels small pictures of one size come together.
        tell: prints what became of a file; None for a line with each file that is written, where
            there is no bar.
        verbose: whether a line on stderr says what of a file's metadata was left out.
    """
    from restorekit.pictures.folder_walk import describe_unread
    from restorekit.pictures.processing.many_files import process_files

    with _progress(len(plan[worker.rank :: worker.world]), label, worker) as (advance, has_bar):

        def report(done: FileOutcome) -> None:
            advance()
            if tell is not None:
                tell(done)
            elif done.has_new_result and not has_bar:
                print_line(str(done.place.target))
            if verbose and done.left_out:
                print_line(f"{done.place.source}: left out: {', '.join(done.left_out)}", sys.stderr)

        summary = process_files(
            plan,
            change,
            writing,
            at_once=at_once,
            rank=worker.rank,
            world=worker.world,
            report=report,
        )
    lines = [_fault(source, str(error)) for source, error in summary.failures]
    gathered = worker.gather((summary.skipped, lines))
    if worker.is_first or not worker.can_gather:
        if plan.unread:
            print_line(f"not read: {describe_unread(plan.unread)}", sys.stderr)
        _conclude(
            sum(skipped for skipped, _ in gathered), [x for _, some in gathered for x in some]
        )


def _conclude(skipped: int, faults: list[str]) -> None:
    if skipped:
        note = "already done, settings not compared; --overwrite redoes them"
        print_line(f"{skipped} skipped: {note}", sys.stderr)
    for line in faults:
        print_error(line)
    if faults:
        raise typer.Exit(2)


def _end(option: str, text: str) -> float | None:
    try:
        value = None if text == "auto" else float(text)
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise ArgumentError(f"{option} is a number, or auto, not '{text}'")
    return value


def _fault(source: Path, message: str) -> str:
    return message if str(source) in message else f"'{source}': {message}"


@contextmanager
def _progress(total: int, label: str, worker: Worker) -> Iterator[tuple[Callable[[], None], bool]]:
    """What to call after each file, and whether that moves a bar, as it does on a terminal."""
    if not sys.stderr.isatty() or not worker.is_first:
        yield lambda: None, False
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
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task), True
