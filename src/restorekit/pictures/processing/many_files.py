"""Processing many picture files: errors do not stop the run, and it can be resumed."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from restorekit.errors import ImageFileError, RestoreKitError
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.file_plan import FilePlan, real_path, same_file
from restorekit.pictures.processing.one_file import (
    DEFAULT_OPTIONS,
    PagePlace,
    PictureChange,
    PictureFile,
    WriteOptions,
    Written,
    stating_sizes,
)


class FileOutcome(NamedTuple):
    """The outcome of one file.

    Attributes:
        place: the file and its result.
        status: "left_alone" if the result was written with all pages unchanged; "skipped" if the
            result existed before.
        error: why the file failed.
        left_out: names of the metadata that the result lacks.
    """

    place: PagePlace
    status: Literal["restored", "left_alone", "skipped", "failed"]
    error: RestoreKitError | None = None
    left_out: tuple[str, ...] = ()

    @property
    def has_new_result(self) -> bool:
        """Whether the result was written in this run."""
        return self.status in ("restored", "left_alone")


@dataclass
class ProcessingSummary:
    """The outcomes of the files of a plan.

    Attributes:
        restored: number of files that were changed and written.
        left_alone: number of files that were written unchanged.
        skipped: number of files that were finished before.
        failures: the files that could not be restored, with their errors.
    """

    restored: int = 0
    left_alone: int = 0
    skipped: int = 0
    failures: list[tuple[Path, RestoreKitError]] = field(default_factory=list)

    def add(self, done: FileOutcome) -> None:
        """Count a file."""
        if done.error is not None:
            self.failures.append((done.place.source, done.error))
        elif done.status == "skipped":
            self.skipped += 1
        elif done.status == "left_alone":
            self.left_alone += 1
        else:
            self.restored += 1


def process_files(
    plan: FilePlan,
    change: PictureChange,
    writing: WriteOptions = DEFAULT_OPTIONS,
    *,
    at_once: int = 0,
    rank: int = 0,
    world: int = 1,
    report: Callable[[FileOutcome], None] | None = None,
) -> ProcessingSummary:
    """Restore the files of a plan, or the share of one process. Errors are collected.

    Args:
        plan: (source, target) pairs, the same in each process.
        change: the function that is applied to the pictures.
        writing: how the results are written.
        at_once: largest total number of pixels of consecutive pictures of equal size and type that
            are passed to `change` together.
        rank: rank of this process.
        world: number of processes; each one processes every `world`-th file.
        report: called after each file.
    """
    summary = ProcessingSummary()
    places = [PagePlace(number, *pair) for number, pair in enumerate(plan)]
    for done in _Batches(plan, stating_sizes(change), writing, at_once).through(
        places[rank::world]
    ):
        summary.add(done)
        if report is not None:
            report(done)
    return summary


class _Waiting(NamedTuple):
    """A file of one page that has been read and waits for its batch."""

    file: PictureFile
    picture: Picture

    @property
    def pixels(self) -> int:
        height, width = self.picture.pixels.shape[:2]
        return int(height * width)

    def is_like(self, other: _Waiting) -> bool:
        mine, others = self.picture, other.picture
        return (mine.pixels.shape, mine.pixels.dtype) == (others.pixels.shape, others.pixels.dtype)


class _Batches:
    """Processes files in order, consecutive small ones of equal size as a batch."""

    def __init__(
        self, plan: FilePlan, change: PictureChange, writing: WriteOptions, at_once: int
    ) -> None:
        self.change, self.writing, self.at_once = change, writing, at_once
        # Of all processes, since a result must not overwrite an input that another one still needs.
        self.inputs = {real_path(source) for source, _ in plan}
        self.waiting: list[_Waiting] = []

    def through(self, places: Sequence[PagePlace]) -> Iterator[FileOutcome]:
        """Process the files, and yield each outcome as soon as it is known."""
        for place in places:
            if self.writing.resume and _is_finished(place):
                yield from self._flush()
                yield FileOutcome(place, "skipped")
            else:
                yield from self._take(place)
        yield from self._flush()

    def _take(self, place: PagePlace) -> Iterator[FileOutcome]:
        try:
            file = self._open(place)
        except (RestoreKitError, OSError) as error:
            yield from self._flush()
            yield _failed(place, error)
            return
        if not isinstance(file, _Waiting):
            yield from self._flush()
            yield _attempt(place, partial(file.restore, self.change))
            return
        if self.waiting and not file.is_like(self.waiting[0]):
            yield from self._flush()
        self.waiting.append(file)
        # Full if one more picture would exceed the limit.
        if file.pixels * (len(self.waiting) + 1) > self.at_once:
            yield from self._flush()

    def _open(self, place: PagePlace) -> _Waiting | PictureFile:
        if real_path(place.source) != (target := real_path(place.target)) in self.inputs:
            raise ImageFileError(f"'{place.source}': its result would overwrite input '{target}'")
        file = PictureFile(place, self.writing)
        if not self.at_once or file.place.pages > 1:
            return file
        return _Waiting(file, next(file.pages()))

    def _flush(self) -> Iterator[FileOutcome]:
        """Restore the waiting files."""
        waiting, self.waiting = self.waiting, []
        for each, changed in zip(waiting, self._changed_together(waiting), strict=True):
            yield _attempt(each.file.place, partial(self._finish, each, changed))

    def _finish(self, waiting: _Waiting, changed: Picture | None) -> Written:
        file, picture = waiting
        return file.write([changed or self.change([picture], [file.place])[0]])

    def _changed_together(self, waiting: Sequence[_Waiting]) -> Sequence[Picture | None]:
        """The changed pictures; None for each if the batch failed.

        They are then changed one by one, so that only the faulty one fails.
        """
        if len(waiting) > 1:
            try:
                return self.change([w.picture for w in waiting], [w.file.place for w in waiting])
            except (RestoreKitError, OSError):
                pass
        return [None] * len(waiting)


def _attempt(place: PagePlace, work: Callable[[], Written]) -> FileOutcome:
    try:
        left_out, left_alone = work()
        return FileOutcome(place, "left_alone" if left_alone else "restored", left_out=left_out)
    except (RestoreKitError, OSError) as error:
        return _failed(place, error)


def _failed(place: PagePlace, error: RestoreKitError | OSError) -> FileOutcome:
    if isinstance(error, OSError):  # for example, a report cannot be written
        reason = (error.strerror or str(error)).lower()
        path = error.filename or place.target
        error = ImageFileError(f"'{place.source}': {path}: {reason}")
    return FileOutcome(place, "failed", error)


def _is_finished(place: PagePlace) -> bool:
    try:
        made, given = place.target.stat(), place.source.stat()
    except OSError:
        return False
    if not stat.S_ISREG(made.st_mode):  # for example, a folder of that name
        return False
    return made.st_mtime_ns >= given.st_mtime_ns and not same_file(place.source, place.target)
