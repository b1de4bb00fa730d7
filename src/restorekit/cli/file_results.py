"""What commands on picture files have in common: options, progress, and a line for each file."""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from restorekit.cli.output import print_error, print_line
from restorekit.errors import ArgumentError
from restorekit.untrusted.plain_data import to_json_value

if TYPE_CHECKING:
    from restorekit.operations.file_jobs import FileResult, FilesOutcome
    from restorekit.restore.tiles.tile_size import TileSize


Advance = Callable[["FileResult"], None]


def read_end(option: str, text: str) -> float | Literal["auto"]:
    """The value of --black or --white.

    Raises:
        ArgumentError: it is neither a number nor "auto".
    """
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentError(f"{option} is a number, or auto, not '{text}'")
    return value


def read_tile(text: str) -> TileSize:
    """The value of --tile.

    Raises:
        ArgumentError: it is neither a side in pixels, nor "auto", nor "off".
    """
    if text == "auto":
        return "auto"
    if text == "off":
        return "off"
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"--tile is auto, off, or a side in pixels, not '{text}'")
    return int(text)


@contextmanager
def results_printed(
    label: str, *, as_json: bool = False, verbose: bool = False
) -> Iterator[Callable[[FileResult], None]]:
    """Provide a function that prints the result of a file and advances the progress bar.

    Args:
        label: what the progress is called.
        as_json: whether a JSON object is printed for each file, instead of the paths of results.
        verbose: whether metadata that was left out is listed.
    """
    with _progress(label) as advance:

        def show(result: FileResult) -> None:
            if advance is not None:
                advance(result)
            for line in _decisions(result):
                print_line(line, sys.stderr)
            if as_json:
                print_line(json.dumps(to_json_value(_as_json(result)), allow_nan=False))
            # With a progress bar, paths would break the display.
            elif result.has_new_result and advance is None:
                print_line(str(result.target))
            if verbose and result.left_out:
                print_line(f"{result.source}: left out: {', '.join(result.left_out)}", sys.stderr)

        yield show


def conclude(outcome: FilesOutcome) -> None:
    """Print what was not read, skipped and failed; exit with 2 if any file failed.

    Of several processes that share the files, the first prints for all.
    """
    from restorekit.pictures.folder_walk import describe_unread
    from restorekit.pictures.processing.worker import Worker

    worker = Worker.of_environment()
    # Without a common group the first process does not know the results of the others.
    if worker.can_gather and not worker.is_first:
        return
    if outcome.unread:
        print_line(f"not read: {describe_unread(Counter(outcome.unread))}", sys.stderr)
    if outcome.skipped:
        note = "already done, settings not compared; --overwrite redoes them"
        print_line(f"{len(outcome.skipped)} skipped: {note}", sys.stderr)
    for result in outcome.failed:
        print_failure(result.source, result.error)
    if outcome.failed:
        raise typer.Exit(2)


def print_failure(source: Path, error: object) -> None:
    """Print the error of a file in one line that names it."""
    message = str(error)
    # Errors of reading name the file, those of a network do not.
    print_error(message if str(source) in message else f"'{source}': {message}")


def _decisions(result: FileResult) -> Iterator[str]:
    """A line for each page that was left unchanged, or whose network was chosen automatically."""
    from restorekit.restore.safeguard.reason import describe_reason

    for number, page in enumerate(result.pages, 1):
        place = f", page {number}" if len(result.pages) > 1 else ""
        if page.left_alone is not None:
            why = describe_reason(page.left_alone, page.sigma)
            yield f"{result.source}{place}: {why}; --force restores it"
        elif page.choice is not None:
            yield f"{result.source}{place}: {page.choice.words}"


def _as_json(result: FileResult) -> dict[str, Any]:
    data: dict[str, Any] = {
        "input": str(result.source),
        "output": str(result.target),
        "status": result.status,
    }
    if result.error is not None:
        data["error"] = " ".join(str(result.error).split())
    elif result.has_new_result:
        data |= {"pages": result.summaries, "left_out": result.left_out}
    return data


@contextmanager
def _progress(label: str) -> Iterator[Advance | None]:
    """On a terminal, a function that moves a bar by one file; else None."""
    from restorekit.pictures.processing.worker import Worker

    if not sys.stderr.isatty() or not Worker.of_environment().is_first:
        yield None
        return

    from restorekit.progress_bar import ProgressBar

    done = itertools.count(1)
    with ProgressBar(label) as bar:
        yield lambda result: bar.update(next(done), result.total, result.source.name)
