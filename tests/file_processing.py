"""One picture file through a function, as a folder of them goes."""

from __future__ import annotations

from pathlib import Path

from restorekit.pictures.processing.one_file import (
    PagePlace,
    PictureChange,
    PictureFile,
    WriteOptions,
)


def process_file(
    source: Path, target: Path, change: PictureChange, writing: WriteOptions | None = None
) -> tuple[str, ...]:
    """Change every page of a file; what of the metadata was left out."""
    file = PictureFile(PagePlace(0, source, target), writing or WriteOptions())
    return file.restore(change).left_out
