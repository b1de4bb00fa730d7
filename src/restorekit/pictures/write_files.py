"""Writing picture files of every format, atomically and with their metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sized
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from restorekit.errors import ImageFileError
from restorekit.pictures.base import Format
from restorekit.pictures.file_errors import writing_errors
from restorekit.pictures.file_formats import check_channels, format_for
from restorekit.pictures.metadata.left_out import leaving_out
from restorekit.pictures.picture import Picture, PictureError, depth_for, profile_is_of
from restorekit.pictures.pixel_values import Depth
from restorekit.storage.atomic import atomic_path, check_target


def write_pages(
    pictures: Iterable[Picture],
    path: str | Path,
    *,
    depth: Depth | None = None,
    quality: int | None = None,
    count: int | None = None,
    like: Path | None = None,
) -> tuple[str, ...]:
    """Write pictures as the pages of a file, with their metadata.

    The suffix selects the format. The file is written atomically. JPEG has quality 95 and
    full-resolution colour by default; all other formats are lossless. An ICC profile for another
    colour space (CMYK, gray) is left out.

    Args:
        pictures: one picture, or any number for a TIFF. They are read one at a time.
        path: the file. Missing folders are created, and an existing file is replaced.
        depth: 8 or 16 bits per channel, or "float"; None keeps the depth of each picture, or uses
            the deepest of the format if it cannot hold that. Integers are rounded and clamped; the
            white of the picture becomes the largest value.
        quality: quality of a JPEG or WebP, 1 to 100; without it, a WebP is lossless.
        count: the expected number of pictures, if `pictures` has no length.
        like: the file that the pictures come from; its permissions are used for a new file.

    Returns:
        The names of the metadata that was left out: parts that the format cannot hold, and
        `metadata.left_out` of the pictures.

    Raises:
        ImageFileError: the suffix is unknown, the format cannot hold the pictures, or the file
            cannot be written.
    """
    path = Path(path)
    check_output(path, depth=depth, pages=len(pictures) if isinstance(pictures, Sized) else 1)
    kind = format_for(path)
    # Outside of `writing_errors`: an error in the iterator does not concern this file.
    remaining = iter(pictures)
    first = next(remaining, None)
    if first is None:
        raise ImageFileError(f"cannot write '{path}': there is no picture")
    left_out: dict[str, None] = {}
    pages = _converted(chain([first], remaining), kind, depth, left_out)
    with writing_errors(path), atomic_path(path, like) as temporary:
        number = len(pictures) if isinstance(pictures, Sized) else count or 1
        # Twice the size, to choose BigTIFF in time: later pages may be larger than the first.
        kind.write_pages(pages, temporary, 2 * number * first.nbytes, quality)
    return tuple(left_out)


def check_output(path: str | Path, depth: Depth | None = None, pages: int = 1) -> None:
    """Check whether a file can be written. Call this before the pictures are computed.

    Args:
        path: the file.
        depth: as in `write_pages`.
        pages: number of pictures.

    Raises:
        ImageFileError: the suffix is unknown, the format does not support the depth or the number
            of pages, or the path is write-protected or not a file.
    """
    kind = format_for(path)
    with writing_errors(Path(path)):
        check_target(Path(path))
        if _is_protected(Path(path)):
            raise PictureError("it is write-protected")
        if pages > 1 and not kind.pages:
            raise PictureError(f"its format holds one page, not {pages}; use .tif or .tiff")
        depth_for(np.dtype(np.uint8), kind.depths, depth)


def check_picture(picture: Picture, path: str | Path) -> None:
    """Check whether the format of a file holds the channels of a picture.

    Raises:
        ImageFileError: the suffix is unknown, or the format does not hold so many channels.
    """
    kind = format_for(path)
    with writing_errors(Path(path)):
        check_channels(kind, picture)


def _converted(
    pictures: Iterable[Picture], kind: Format, depth: Depth | None, left_out: dict[str, None]
) -> Iterator[Picture]:
    """Convert pictures one at a time, and add the metadata that they lose to `left_out`."""
    # Unlike a variable for each picture, `map` does not keep the original in memory.
    for ready in map(partial(_ready, kind=kind, depth=depth), pictures):
        left_out.update(dict.fromkeys(ready.metadata.left_out))
        yield ready


def _ready(picture: Picture, kind: Format, depth: Depth | None) -> Picture:
    """Convert a picture to what a format holds: its depth, and only the supported alpha and
    metadata."""
    check_channels(kind, picture)
    if not kind.alpha:
        picture = replace(picture, alpha=None)
    metadata = kind.held(picture.metadata)
    # A profile of another colour space makes viewers show wrong colours or refuse the file.
    space = b"GRAY" if kind.gray and picture.pixels.shape[2] == 1 else b"RGB "
    if metadata.icc_profile is not None and not profile_is_of(metadata.icc_profile, space):
        metadata = replace(leaving_out(metadata, "ICC profile"), icc_profile=None)
    picture = replace(picture, metadata=metadata)
    return picture.astype(depth_for(picture.pixels.dtype, kind.depths, depth))


def _is_protected(path: Path) -> bool:
    """Whether an existing file is write-protected; its folder may still allow to replace it."""
    return path.is_file() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK))
