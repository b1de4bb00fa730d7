"""Picture files through a function, page by page: resumable, and not stopped by a bad one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from restorekit.data.files import check_output, count_pages, iter_pages, write_pages
from restorekit.data.formats import format_for
from restorekit.data.picture import Depth, Picture, depth_for
from restorekit.errors import ImageFileError, RestoreKitError, RestoreWarning
from restorekit.restore.files.clipping import Clipping
from restorekit.restore.files.plan import Plan, same_file


class Place(NamedTuple):
    """Where a picture stands: the file's number in the plan, and the page's in the file, from 0."""

    number: int
    source: Path
    target: Path
    page: int = 0
    pages: int = 1


class Done(NamedTuple):
    """What became of a file."""

    place: Place
    status: Literal["restored", "skipped", "failed"]
    error: RestoreKitError | None = None


Change = Callable[[Picture, Place], Picture]


@dataclass
class Summary:
    """What became of the files of a plan.

    Attributes:
        restored: how many were written.
        skipped: how many had been finished before.
        failures: those that could not be restored, each with its error.
    """

    restored: int = 0
    skipped: int = 0
    failures: list[tuple[Path, RestoreKitError]] = field(default_factory=list)


@dataclass(frozen=True)
class Writing:
    """How results are written.

    Attributes:
        depth: 8, 16 or "float"; None for that of each picture, as far as the format holds it. A
            picture that is to become deeper does so before it is changed, so that the additional
            bits mean something.
        quality: of a JPEG or WebP, 1 to 100.
        over_input: whether a file may be replaced by its own result; never by another's, nor one of
            ink (CMYK), of which the result is RGB.
        resume: whether a file whose result is there, and is not older than the file, is passed
            over. A result is there whole or not at all, so it was finished; with which settings it
            was made, it does not tell.
    """

    depth: Depth | None = None
    quality: int | None = None
    over_input: bool = False
    resume: bool = False


_PLAIN = Writing()


def restore_file(
    source: str | Path, target: str | Path, change: Change, writing: Writing = _PLAIN
) -> None:
    """Read a file, change every page of it, write them with their metadata.

    Args:
        source: the file to read.
        target: the file to write; replaced where it exists.
        change: what is done to each picture, given its place.
        writing: how the result is written.

    Raises:
        ImageFileError: a file cannot be read or written, or `target` is `source`.
        InputError: a picture cannot be restored.

    Warns:
        RestoreWarning: floats beyond black or white are lost in integers.
    """
    _restore(Place(0, Path(source), Path(target)), change, writing)


def restore_files(
    plan: Plan,
    change: Change,
    writing: Writing = _PLAIN,
    *,
    rank: int = 0,
    world: int = 1,
    report: Callable[[Done], None] | None = None,
) -> Summary:
    """Restore the files of a plan, or one process's share of them; a bad one stops no other.

    Args:
        plan: (source, target) pairs, the same in each process.
        change: what is done to each picture, given its place.
        writing: how the results are written.
        rank: this process's number.
        world: how many processes there are; each takes every `world`-th file.
        report: called after each file.
    """
    summary = Summary()
    inputs = {source.resolve() for source, _ in plan}
    for place in _places(plan)[rank::world]:
        if writing.resume and _is_finished(place):
            summary.skipped += 1
            done = Done(place, "skipped")
        elif (error := _attempt(place, change, writing, inputs)) is None:
            summary.restored += 1
            done = Done(place, "restored")
        else:
            summary.failures.append((place.source, error))
            done = Done(place, "failed", error)
        if report is not None:
            report(done)
    return summary


def _places(plan: Plan) -> Sequence[Place]:
    return [Place(number, *pair) for number, pair in enumerate(plan)]


def _is_finished(place: Place) -> bool:
    try:
        made, given = place.target.stat(), place.source.stat()
    except OSError:
        return False
    return made.st_mtime_ns >= given.st_mtime_ns and not same_file(place.source, place.target)


def _attempt(
    place: Place, change: Change, writing: Writing, inputs: set[Path]
) -> RestoreKitError | None:
    source, target = place.source, place.target
    try:
        if source.resolve() != target.resolve() in inputs:
            raise ImageFileError(f"'{source}': its result would overwrite input '{target}'")
        _restore(place, change, writing)
    except RestoreKitError as error:
        return error
    except OSError as error:  # a report that cannot be written, say
        reason = (error.strerror or str(error)).lower()
        return ImageFileError(f"'{source}': {error.filename or target}: {reason}")
    return None


def _restore(place: Place, change: Change, writing: Writing) -> None:
    source, target = place.source, place.target
    check_output(target, writing.depth)
    if not writing.over_input and same_file(source, target):
        raise ImageFileError(
            f"'{source}' would be overwritten by its own result; choose another output"
        )
    pages = count_pages(source)
    check_output(target, writing.depth, pages)  # before the work, not after it
    changed = _changed(place._replace(pages=pages), change, writing.depth)
    write_pages(changed, target, depth=writing.depth, quality=writing.quality, count=pages)


def _changed(place: Place, change: Change, depth: Depth | None) -> Iterator[Picture]:
    depths = format_for(place.target).depths
    white = _common_white(place, depth_for(np.dtype(np.uint16), depths, depth))
    clipping = Clipping()
    for page, picture in enumerate(iter_pages(place.source)):
        if picture.metadata.ink and same_file(place.source, place.target):
            raise ImageFileError(
                f"'{place.source}' holds ink (CMYK), of which the result would be RGB; "
                "leave it as it is and choose another output"
            )
        picture = replace(picture, white=white or picture.white)
        wanted = depth_for(picture.pixels.dtype, depths, depth)
        deeper = wanted.itemsize > picture.pixels.dtype.itemsize
        changed = change(picture.astype(wanted) if deeper else picture, place._replace(page=page))
        if wanted.kind == "u":
            clipping.add(changed)
        yield changed
    if clipping.words is not None:
        warnings.warn(
            f"'{place.source}': {clipping.words}, which '{place.target.name}' cannot hold; "
            "a .tif of depth float can",
            RestoreWarning,
            stacklevel=2,
        )


def _common_white(place: Place, dtype: np.dtype[Any]) -> int | None:
    """White of all 16-bit pages that get another type, so that no page is brightened by itself."""
    if place.pages == 1 or dtype == np.uint16:
        return None
    return max((page.white or 0 for page in iter_pages(place.source)), default=None)
