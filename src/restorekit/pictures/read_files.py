"""Reading picture files of every format, at their own depth.

JPEG, WebP and BMP hold one picture of 8 bits per channel, and PNG one of 8 or 16 bits. TIFF holds
any number of pictures, of integers or floats. Plugins add further formats. Pictures are gray or
colour, upright, with alpha and metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from restorekit.errors import DataError, ImageFileError
from restorekit.pictures.base import Format
from restorekit.pictures.file_errors import describe_unknown, reading_errors
from restorekit.pictures.file_formats import format_names, format_of_file
from restorekit.pictures.folder_walk import walk_folder
from restorekit.pictures.metadata import exif
from restorekit.pictures.metadata.left_out import leaving_out
from restorekit.pictures.orientation import upright
from restorekit.pictures.picture import Picture, PictureError
from restorekit.pictures.value_ranges import range_of
from restorekit.untrusted.text import quoted


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
    """Read the pages of a file one after the other.

    The format is recognised by the content; by the suffix if it has no signature. Pictures are
    turned upright, and their orientation is reset. Palettes are converted to colour, bilevel
    pictures to gray, and channels with fewer bits to 8 or 16. CMYK is converted to RGB without its
    profile, as Pillow does, so the colours are approximate. Warnings of decoders are suppressed: a
    picture is either usable or an error.

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
        return _format_of(path).count_pages(path)


def _pages(path: Path) -> Iterator[Picture]:
    """The pages of a file, decoded lazily."""
    kind = _format_of(path)
    for page in kind.read_pages(path):
        if not isinstance(page, Picture):
            raise PictureError(f"{kind.name} read {quoted(page)}, which is not a Picture")
        yield _finished(page)


def _format_of(path: Path) -> Format:
    kind = format_of_file(path)
    if kind is None:
        raise PictureError(describe_unknown(path, format_names()))
    return kind


def _finished(picture: Picture) -> Picture:
    """A picture as it is in memory: upright, with a known range, without a thumbnail."""
    metadata = picture.metadata
    # A viewer would show the thumbnail of the noisy picture for the restored one.
    block = metadata.exif and exif.without_thumbnail(metadata.exif)
    if block != metadata.exif:
        metadata = replace(leaving_out(metadata, "EXIF thumbnail"), exif=block)
    if picture.white is None:
        known = range_of(picture.pixels, no_data=picture.no_data)
        picture = replace(picture, white=known.white, black=known.black)
    return upright(replace(picture, metadata=metadata), exif.orientation_of(metadata.exif))
