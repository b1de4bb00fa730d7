"""Many picture files through a change, shared among processes, with a result for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from restorekit.errors import ArgumentError, RestoreKitError
from restorekit.pictures.processing.file_plan import FilePlan
from restorekit.pictures.processing.many_files import FileOutcome, process_files
from restorekit.pictures.processing.one_file import PictureChange, WriteOptions
from restorekit.pictures.processing.worker import Worker
from restorekit.progress_bar import Progress, progress_reported
from restorekit.restore.outcome import DenoiseOutcome

LOGGER = logging.getLogger(__name__)

AnyPath = str | PathLike[str]
Inputs = AnyPath | Sequence[AnyPath]
# Whether to share with the processes of torchrun, or the rank and number of independent ones.
Share = bool | tuple[int, int]
Pages = tuple[DenoiseOutcome[None], ...]
Summaries = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class FileResult:
    """What became of one picture file.

    Attributes:
        source: the input.
        target: the file of the result.
        status: "restored" for a file that was changed and written; "left_alone" for one that was
            written unchanged; "skipped" for one with an earlier result; "failed".
        error: why it failed, else None.
        left_out: names of metadata that the result does not contain.
        pages: for each page, how it was restored; empty for files that were not.
        summaries: for each page, what was measured of the change, if that was requested.
        number: the position among all files, from 0.
        total: the number of files that this process works on.

    Example:
        >>> from pathlib import Path
        >>> FileResult(Path("a.png"), Path("b.png"), "restored").has_new_result
        True
    """

    source: Path
    target: Path
    status: Literal["restored", "left_alone", "skipped", "failed"]
    error: RestoreKitError | None = None
    left_out: tuple[str, ...] = ()
    pages: Pages = ()
    summaries: Summaries = ()
    number: int = 0
    total: int = 1

    @property
    def has_new_result(self) -> bool:
        """Whether the result was written in this call."""
        return self.status in ("restored", "left_alone")


OnFile = Callable[[FileResult], None]


@dataclass(frozen=True)
class FilesOutcome:
    """What became of many picture files: iterating gives the result of each, `len` their number.

    Attributes:
        results: one for each file, in order. If several processes share the files and can reach
            each other, those of all processes.
        unread: the number of files in the input folders that were not read, by kind.

    Example:
        >>> from pathlib import Path
        >>> done = FileResult(Path("a.png"), Path("b.png"), "restored")
        >>> outcome = FilesOutcome((done,))
        >>> len(outcome), [result.status for result in outcome], outcome.failed
        (1, ['restored'], ())
    """

    results: tuple[FileResult, ...]
    unread: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[FileResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __bool__(self) -> bool:
        # Not whether there are results: `if outcome` never depended on their number.
        return True

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that could not be processed; each has its `error`."""
        return tuple(result for result in self.results if result.status == "failed")

    @property
    def skipped(self) -> tuple[FileResult, ...]:
        """The files with an earlier result."""
        return tuple(result for result in self.results if result.status == "skipped")


def run_files(
    plan: FilePlan,
    change: PictureChange,
    writing: WriteOptions,
    worker: Worker,
    *,
    at_once: int = 0,
    take_pages: Callable[[int], tuple[Pages, Summaries]] = lambda _: ((), ()),
    on_file: OnFile | None = None,
    progress: Progress = False,
) -> FilesOutcome:
    """Change the files of a plan, or this process's share of them. A failure stops no other file.

    Args:
        plan: (source, target) pairs, the same in each process.
        change: what is done to each picture.
        writing: how the results are written.
        worker: this process among those that share the files.
        at_once: the number of pixels up to which small pictures of one size are changed together.
        take_pages: hands over what is known of the pages of a file, by its number.
        on_file: called after each file of this process.
        progress: how it is reported which file was processed.

    Raises:
        ArgumentError: `progress` is neither a boolean nor a function.
    """
    results: list[FileResult] = []
    # Every world-th file instead of blocks: large pictures are often next to each other.
    total = len(plan[worker.rank :: worker.world])

    def report(done: FileOutcome) -> None:
        number = done.place.number
        pages, summaries = take_pages(number)
        result = FileResult(
            source=done.place.source,
            target=done.place.target,
            status=done.status,
            error=done.error,
            left_out=done.left_out,
            pages=pages,
            summaries=summaries,
            number=number,
            total=total,
        )
        results.append(result)
        _log(result)
        tell(len(results), total, f"{result.source.name}: {result.status.replace('_', ' ')}")
        if on_file is not None:
            on_file(result)

    # A bar of each process would overwrite those of the others.
    asked = progress if worker.is_first or progress is not True else False
    with progress_reported(asked, "files") as tell:
        tell(0, total, "")
        process_files(
            plan,
            change,
            writing,
            at_once=at_once,
            rank=worker.rank,
            world=worker.world,
            report=report,
        )
    # Called even after failures, because the other processes wait here.
    gathered = [result for some in worker.gather(results) for result in some]
    return FilesOutcome(tuple(sorted(gathered, key=lambda result: result.number)), plan.unread)


def _log(result: FileResult) -> None:
    if result.error is not None:
        LOGGER.warning("'%s': failed: %s", result.source, result.error)
    else:
        LOGGER.info("'%s': %s, '%s'", result.source, result.status, result.target)


def worker_of(share: Share) -> Worker:
    """This process among those that share the files.

    Raises:
        ArgumentError: there is no such share, or the environment describes none.
    """
    if isinstance(share, bool):
        return Worker.of_environment() if share else Worker()
    rank, world = share
    if not 0 <= rank < world:
        raise ArgumentError(f"share is (rank, world) with 0 <= rank < world, not {share}")
    return Worker(rank, world)


def path_list(inputs: Inputs) -> list[str]:
    """One path or several as a list of text: an empty one must not become the current folder."""
    several = [inputs] if isinstance(inputs, (str, PathLike)) else inputs
    return [str(path) for path in several]
