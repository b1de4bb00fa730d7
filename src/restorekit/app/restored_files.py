"""Whole picture files through the library: one for download, or many in a ZIP archive.

The results are those of `denoise_files`: bit depth, metadata and pages stay.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from restorekit.app.close_up import describe
from restorekit.app.opened_picture import OpenedPicture
from restorekit.app.restoring_settings import RestoringSettings
from restorekit.operations.denoise_files import denoise_files
from restorekit.operations.file_jobs import FileResult
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import iter_pages

OnFile = Callable[[FileResult], None]


@dataclass(frozen=True, eq=False)
class RestoredFile:
    """A restored picture file.

    Attributes:
        path: the result.
        picture: its first page.
        settings: how it was restored.
        words: what was done, in a few sentences.
    """

    path: Path
    picture: Picture
    settings: RestoringSettings
    words: str


@dataclass(frozen=True)
class RestoredBatch:
    """Many restored picture files.

    Attributes:
        archive: a ZIP archive of the results; None if every file failed.
        rows: for each file its name and what became of it.
        failed: the number of files that failed.
    """

    archive: Path | None
    rows: list[tuple[str, str]]
    failed: int


def restore_file(opened: OpenedPicture, settings: RestoringSettings, folder: Path) -> RestoredFile:
    """Restore a picture file as "NAME-restored" in a folder.

    Raises:
        RestoreKitError: it cannot be restored, or the result cannot be written.
    """
    target = folder / f"{opened.path.stem}-restored{opened.path.suffix}"
    outcome = denoise_files(opened.path, target, settings.model, overwrite=True, **settings.options)
    result = outcome.results[0]
    if result.error is not None:
        raise result.error
    return RestoredFile(target, next(iter_pages(target)), settings, words_of(result))


def restore_batch(
    sources: Sequence[Path],
    settings: RestoringSettings,
    folder: Path,
    on_file: OnFile | None = None,
) -> RestoredBatch:
    """Restore many picture files into a ZIP archive; one that fails does not stop the others.

    Args:
        sources: the files, with different names.
        settings: how they are restored.
        folder: an empty folder, for the results and the archive.
        on_file: called after each file.

    Raises:
        RestoreKitError: there are no files, or the weights cannot be loaded.
    """
    results = folder / "restored"
    outcome = denoise_files(
        list(sources), f"{results}/", settings.model, on_file=on_file, **settings.options
    )
    done = [result.target for result in outcome if result.has_new_result]
    archive = folder / "restored.zip" if done else None
    if archive is not None:
        # Stored: picture files are compressed already.
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
            for path in done:
                file.write(path, path.name)
                path.unlink()
    rows = [(result.source.name, words_of(result)) for result in outcome]
    return RestoredBatch(archive, rows, len(outcome.failed))


def words_of(result: FileResult) -> str:
    """What became of a file, in a few sentences."""
    if result.error is not None:
        return f"Failed: {' '.join(str(result.error).split())}"
    words = " ".join(dict.fromkeys(map(describe, result.pages[:3])))
    if len(result.pages) > 1:
        words = f"{len(result.pages)} pages. {words}"
    if result.left_out:
        words += f" Not in the result: {', '.join(result.left_out)}."
    return words
