"""Picture files in and out, at the depth they have: one place that knows all formats.

JPEG, WebP, BMP and PNG hold one picture of 8 bits per channel, PNG of 16 as well; TIFF holds any
number of them, of 8 or 16 bits or floats. What is read is upright, gray or colour, with its alpha
and metadata; each format's own room turns its peculiarities into that and back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sized
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from restorekit.errors import DataError, ImageFileError
from restorekit.pictures.codecs import jpeg_files, pillow_files, png_files, png_pixels, webp_files
from restorekit.pictures.codecs.tiff_layout import MAGICS
from restorekit.pictures.file_errors import describe_unknown, reading_errors, writing_errors
from restorekit.pictures.file_formats import (
    Format,
    check_channels,
    format_for,
    held_by,
    leaving_out,
)
from restorekit.pictures.folder_walk import walk_folder
from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.program_notes import turned
from restorekit.pictures.picture import (
    Array,
    Depth,
    Metadata,
    Picture,
    PictureError,
    depth_for,
    profile_is_of,
)
from restorekit.pictures.value_ranges import range_of
from restorekit.storage.atomic import atomic_path, check_target


def find_images(folder: str | Path) -> list[Path]:
    """Every picture file below a folder, sorted by path; see `restorekit.pictures.folder_walk`.

    Raises:
        DataError: there is no such folder, or one below it cannot be listed.
    """
    found = walk_folder(Path(folder))
    if found.unreadable:
        raise DataError(f"folder '{found.unreadable[0]}' cannot be listed")
    return found.images


def read_picture(path: str | Path) -> Picture:
    """Read the picture of a file that holds one.

    Raises:
        ImageFileError: as for `iter_pages`, or the file holds several pages.
    """
    if (pages := count_pages(path)) > 1:
        raise ImageFileError(
            f"'{path}' holds {pages} pages, and a single picture is needed here; "
            "read_pages (restorekit.pictures.picture_files) gives all of them"
        )
    return next(iter_pages(path))


def read_pages(path: str | Path) -> list[Picture]:
    """Read every page of a file; see `iter_pages`, which holds one at a time."""
    return list(iter_pages(path))


def iter_pages(path: str | Path) -> Iterator[Picture]:
    """Read the pages of a file one after the other; of all formats but TIFF, there is one.

    The format is told by the content, not by the suffix. Pictures are turned upright by their
    orientation, and say so. Palettes become their colours, black and white becomes gray, channels
    of few bits are widened to 8 or 16. CMYK is turned into RGB without its profile, as Pillow does,
    which is good enough to look at and no more. Warnings of decoders are silenced: a picture can be
    used, or it is refused.

    Raises:
        ImageFileError: the file is missing, empty, damaged, no picture of a known format, larger
            than `restorekit.pictures.picture.MAX_PIXELS`, not finite, or of another kind of pixels.
    """
    path = Path(path)
    with reading_errors(path):
        pages = _pages(path)
    while True:
        with reading_errors(path):
            page = next(pages, None)
        if page is None:
            return
        yield page


def count_pages(path: str | Path) -> int:
    """How many pages a file holds, without decoding any.

    Raises:
        ImageFileError: as for `iter_pages`.
    """
    path = Path(path)
    with reading_errors(path):
        if not _is_tiff(path):
            return 1
        from restorekit.pictures.codecs import tiff_files

        return tiff_files.count(path)


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


def _pages(path: Path) -> Iterator[Picture]:
    """The pages of a file, each decoded when it is asked for."""
    if _is_tiff(path):
        from restorekit.pictures.codecs import tiff_files

        for found, metadata, orientation in tiff_files.read(path):
            known = found.known or range_of(found.values, no_data=found.no_data)
            ends = known.white, known.black
            picture = Picture(
                found.values, found.alpha, metadata, *ends, found.extra, found.no_data
            )
            yield _upright(picture, orientation)
        return
    pixels, alpha, metadata = _read_one(path)
    block = metadata.exif and exif.without_thumbnail(metadata.exif)
    if block != metadata.exif:
        metadata = replace(leaving_out(metadata, "EXIF thumbnail"), exif=block)
    yield _upright(_picture(pixels, alpha, metadata), exif.orientation_of(metadata.exif))


def _read_one(path: Path) -> tuple[Array, Array | None, Metadata]:
    """The picture of a file that holds one, as it lies in the file."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(png_pixels.SIGNATURE):
        return png_files.read(path)
    if head.startswith(jpeg_files.SIGNATURE):
        pixels, metadata = jpeg_files.read(path)
        return pixels, None, metadata
    if webp_files.is_webp(head):
        return webp_files.read(path)
    if head.startswith(pillow_files.BMP_SIGNATURE):
        return pillow_files.read_bmp(path)
    raise PictureError(describe_unknown(path))


def _picture(pixels: Array, alpha: Array | None, metadata: Metadata) -> Picture:
    known = range_of(pixels)
    return Picture(pixels, alpha, metadata, known.white, known.black)


def _upright(picture: Picture, orientation: int) -> Picture:
    """The picture turned as its orientation says, which then says so no more."""
    if orientation == 1:
        return picture
    metadata, is_swapped = picture.metadata, orientation >= 5
    if metadata.exif is not None:
        metadata = replace(metadata, exif=exif.turned(metadata.exif, 1, is_swapped))
    if metadata.xmp is not None:
        metadata = replace(metadata, xmp=xmp.turned(metadata.xmp, 1, is_swapped))
    if metadata.notes:
        notes, lost = turned(metadata.notes)
        metadata = leaving_out(replace(metadata, notes=notes), *lost)
    if is_swapped:
        dpi, density = metadata.dpi, metadata.density
        metadata = replace(metadata, dpi=dpi and dpi[::-1], density=density and density[::-1])
    alpha = None if picture.alpha is None else exif.turn(picture.alpha, orientation)
    return replace(
        picture,
        pixels=np.ascontiguousarray(exif.turn(picture.pixels, orientation)),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        metadata=metadata,
    )


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


def _is_tiff(path: Path) -> bool:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise PictureError("it is a pipe or a device; save the picture to a file first")
    with path.open("rb") as file:
        return file.read(4) in MAGICS
