"""The analysis of picture files, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from restorekit.errors import RestoreKitError, warn
from restorekit.operations.file_jobs import Inputs, path_list
from restorekit.pictures.processing.file_plan import find_inputs
from restorekit.pictures.read_files import iter_pages
from restorekit.pictures.value_ranges import Range, check_range
from restorekit.progress_bar import Progress, progress_reported
from restorekit.restore.analysis import Analysis
from restorekit.restore.analyze import analyze_picture
from restorekit.restore.denoise_options import RangeEnd


@dataclass(frozen=True)
class FileAnalysis:
    """The analysis of one picture file.

    Attributes:
        source: the file.
        pages: the analysis of each page; only TIFF files have more than one.
        error: why the file could not be analyzed, else None. `pages` then has those before it.

    Example:
        >>> from pathlib import Path
        >>> FileAnalysis(Path("a.png")).error is None
        True
    """

    source: Path
    pages: tuple[Analysis, ...] = ()
    error: RestoreKitError | None = None


@dataclass(frozen=True)
class AnalyzedFiles:
    """The analyses of many picture files: iterating gives each, `len` their number.

    Attributes:
        results: one for each file, in order.
        unread: the number of files in the input folders that were not read, by kind.

    Example:
        >>> from pathlib import Path
        >>> len(AnalyzedFiles((FileAnalysis(Path("a.png")),)))
        1
    """

    results: tuple[FileAnalysis, ...]
    unread: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[FileAnalysis]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def failed(self) -> tuple[FileAnalysis, ...]:
        """The files that could not be analyzed; each has its `error`."""
        return tuple(result for result in self.results if result.error is not None)


def analyze_files(
    inputs: Inputs,
    *,
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
    on_file: Callable[[FileAnalysis], None] | None = None,
    progress: Progress = False,
) -> AnalyzedFiles:
    """Analyze picture files, or whole folders of them, as `restorekit analyze` does.

    A file that fails does not stop the others; its error is in its result.

    Args:
        inputs: a picture or a folder, or several of them.
        black: the value of black in all inputs; "auto" finds it for each.
        white: the value of white.
        on_file: called with the `FileAnalysis` of each file as soon as it is finished.
        progress: as for `denoise_files`.

    Raises:
        ImageFileError: an input is missing, or a folder has no pictures.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> import restorekit
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("L", (40, 30), 128).save(folder / "gray.png")
        >>> [result.pages[0].size for result in restorekit.analyze_files(folder)]
        [(30, 40)]
    """
    ends = check_range(black, white)
    paths, unread = find_inputs(path_list(inputs))
    results: list[FileAnalysis] = []
    with progress_reported(progress, "analyzing") as tell:
        tell(0, len(paths), "")
        for path in paths:
            results.append(_analyze_file(path, ends))
            tell(len(results), len(paths), path.name)
            if on_file is not None:
                on_file(results[-1])
    return AnalyzedFiles(tuple(results), unread)


def _analyze_file(path: Path, ends: tuple[float | None, float | None]) -> FileAnalysis:
    pages: list[Analysis] = []
    try:
        for picture in iter_pages(path):
            if not pages and picture.has_own_range and None in ends:
                warn(f"'{path}': {Range(picture.black, picture.white or 1.0).words}")
            pages.append(analyze_picture(picture, *ends))
    except RestoreKitError as error:
        return FileAnalysis(path, tuple(pages), error)
    return FileAnalysis(path, tuple(pages))
