"""Reading picture files of every format, at their own depth.

JPEG, WebP and BMP hold one picture of 8 bits per channel, and PNG one of 8 or 16 bits. TIFF holds
any number of pictures, of integers or floats. Pictures are gray or colour, upright, with alpha and
metadata. Each format has its own module in `codecs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from restorekit.errors import DataError, ImageFileError
from restorekit.pictures.codecs import jpeg_files, pillow_files, png_files, png_pixels, webp_files
from restorekit.pictures.codecs.tiff_layout import MAGICS
from restorekit.pictures.file_errors import describe_unknown, reading_errors
from restorekit.pictures.file_formats import (
    leaving_out,
)
from restorekit.pictures.folder_walk import walk_folder
from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.program_notes import turned
from restorekit.pictures.picture import Metadata, Picture, PictureError
from restorekit.pictures.pixel_values import Array
from restorekit.pictures.value_ranges import range_of


def find_images(folder: str | Path) -> list[Path]:
    """Every picture file below a folder, sorted by path; see `restorekit.pictures.folder_walk`.

    Raises:
        DataError: the folder does not exist, or a folder below it cannot be listed.
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
            "read_pages (restorekit.pictures.read_files) gives all of them"
        )
    return next(iter_pages(path))


def read_pages(path: str | Path) -> list[Picture]:
    """Read every page of a file. `iter_pages` does the same with one page in memory at a time."""
    return list(iter_pages(path))


def iter_pages(path: str | Path) -> Iterator[Picture]:
    """Read the pages of a file one after the other. Only TIFF files have more than one.

    The format is recognised by the content, not by the suffix. Pictures are turned upright, and
    their orientation is reset. Palettes are converted to colour, bilevel pictures to gray, and
    channels with fewer bits to 8 or 16. CMYK is converted to RGB without its profile, as Pillow
    does, so the colours are approximate. Warnings of decoders are suppressed: a picture is either
    usable or an error.

    Raises:
        ImageFileError: the file is missing, empty, damaged, not a picture of a supported format or
            kind of pixels, or larger than `restorekit.pictures.picture.MAX_PIXELS`.
    """
    path = Path(path)
    with reading_errors(path):
        pages = _pages(path)
    while True:
        with reading_errors(path):
            # Only the decoding is within the block: errors of the caller, at `yield`, are not of
            # the file.
            page = next(pages, None)
        if page is None:
            return
        yield page


def count_pages(path: str | Path) -> int:
    """Number of pages of a file, without decoding them.

    Raises:
        ImageFileError: as for `iter_pages`.
    """
    path = Path(path)
    with reading_errors(path):
        if not _is_tiff(path):
            return 1
        from restorekit.pictures.codecs import tiff_files

        return tiff_files.count(path)


def _pages(path: Path) -> Iterator[Picture]:
    """The pages of a file, decoded lazily."""
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
    # A viewer would show the thumbnail of the noisy picture for the restored one.
    block = metadata.exif and exif.without_thumbnail(metadata.exif)
    if block != metadata.exif:
        metadata = replace(leaving_out(metadata, "EXIF thumbnail"), exif=block)
    yield _upright(_picture(pixels, alpha, metadata), exif.orientation_of(metadata.exif))


def _read_one(path: Path) -> tuple[Array, Array | None, Metadata]:
    """The only picture of a file, before it is turned upright."""
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
    """Turn a picture upright, and reset the orientation in its metadata."""
    if orientation == 1:
        return picture
    # Orientations 5 to 8 contain a rotation by 90 degrees.
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
        # Flips are views with negative strides, which torch does not accept.
        pixels=np.ascontiguousarray(exif.turn(picture.pixels, orientation)),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        metadata=metadata,
    )


def _is_tiff(path: Path) -> bool:
    # Opening a pipe would wait for a writer, and its first bytes could be read only once.
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise PictureError("it is a pipe or a device; save the picture to a file first")
    with path.open("rb") as file:
        return file.read(4) in MAGICS
