"""Pictures as files, in every format: whole or not at all, with their metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sized
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from restorekit.errors import ImageFileError
from restorekit.pictures.codecs import jpeg_files, pillow_files, png_files, webp_files
from restorekit.pictures.file_errors import writing_errors
from restorekit.pictures.file_formats import (
    Format,
    check_channels,
    format_for,
    held_by,
    leaving_out,
)
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
    """Write pictures as the pages of a file, in the format of its suffix, with their metadata.

    The file appears whole or not at all. JPEG is written with quality 95 and full-resolution
    colour, everything else without loss. An ICC profile made for another kind of colour (CMYK,
    gray) is left out.

    Args:
        pictures: one, or for a TIFF any number; taken one at a time.
        path: where to; missing folders are made, an existing file is replaced.
        depth: 8 or 16 bits per channel, or "float"; None for that of each picture, or the format's
            deepest where it cannot hold that. Integers are rounded and clamped; the picture's white
            becomes the whole range's.
        quality: of a JPEG, 1 to 100; a WebP is lossless unless it is given.
        count: how many pictures to expect, where `pictures` has no length.
        like: the file that they come from: nobody who cannot read it can read a new one.

    Returns:
        What was left out: of the metadata what this format cannot hold, and what the pictures'
        own `metadata.left_out` names.

    Raises:
        ImageFileError: the suffix is unknown, the format cannot hold the pictures, or the file
            cannot be written.
    """
    path = Path(path)
    check_output(path, depth=depth, pages=len(pictures) if isinstance(pictures, Sized) else 1)
    kind = format_for(path)
    # What goes wrong while `pictures` makes the next one is no fault of this file.
    remaining = iter(pictures)
    first = next(remaining, None)
    if first is None:
        raise ImageFileError(f"cannot write '{path}': there is no picture")
    left_out: dict[str, None] = {}

    def ready(page: Picture) -> Picture:
        page = _ready(page, kind, depth)
        left_out.update(dict.fromkeys(page.metadata.left_out))
        return page

    with writing_errors(path), atomic_path(path, like) as temporary:
        if kind.pages:
            from restorekit.pictures.codecs import tiff_files

            number = len(pictures) if isinstance(pictures, Sized) else count or 1
            pages = map(ready, chain([first], remaining))
            tiff_files.write(pages, temporary, 2 * number * first.nbytes)
        elif next(remaining, None) is not None:
            raise PictureError("its format holds one picture, and there are several")
        else:
            _write_one(ready(first), temporary, kind, quality)
    return tuple(left_out)


def check_output(path: str | Path, depth: Depth | None = None, pages: int = 1) -> None:
    """Whether pictures of that kind can be written there; to be asked before they are made.

    Raises:
        ImageFileError: the suffix is unknown, its format has not that depth or so many pages, or
            what is there is write-protected or no file.
    """
    kind = format_for(path)
    with writing_errors(Path(path)):
        check_target(Path(path))
        if _is_protected(Path(path)):
            raise PictureError("it is write-protected")
        if pages > 1 and not kind.pages:
            raise PictureError(f"it would hold one of {pages} pages; use one of: .tif, .tiff")
        depth_for(np.dtype(np.uint8), kind.depths, depth)


def check_picture(picture: Picture, path: str | Path) -> None:
    """Whether the format of a file holds the channels of a picture; to be asked before it is made.

    Raises:
        ImageFileError: the suffix is unknown, or its format has no place for a channel.
    """
    kind = format_for(path)
    with writing_errors(Path(path)):
        check_channels(kind, picture)


def _ready(picture: Picture, kind: Format, depth: Depth | None) -> Picture:
    """The picture as a format holds it: at its depth, without the alpha and metadata it has no
    place for."""
    check_channels(kind, picture)
    if not kind.alpha:
        picture = replace(picture, alpha=None)
    metadata = held_by(kind, picture.metadata)
    if kind.name == "JPEG":
        metadata = jpeg_files.fitting(metadata)
    space = b"GRAY" if kind.gray and picture.pixels.shape[2] == 1 else b"RGB "
    if metadata.icc_profile is not None and not profile_is_of(metadata.icc_profile, space):
        metadata = replace(leaving_out(metadata, "ICC profile"), icc_profile=None)
    picture = replace(picture, metadata=metadata)
    return picture.astype(depth_for(picture.pixels.dtype, kind.depths, depth))


def _write_one(picture: Picture, path: Path, kind: Format, quality: int | None) -> None:
    with path.open("wb") as file:
        if kind.name == "PNG":
            png_files.write(picture, file)
        elif kind.name == "JPEG":
            jpeg_files.write(picture, file, quality)
        elif kind.name == "WebP":
            webp_files.write(picture, file, quality)
        else:
            pillow_files.write_bmp(picture, file)


def _is_protected(path: Path) -> bool:
    """Whether a file exists that its owner does not want changed; its folder may allow it."""
    return path.is_file() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK))
