"""TIFF files, read and written by tifffile: pages with any number of channels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import tifffile

from restorekit.pictures.codecs.raw_files import HEAD, kind_in, refusal_message
from restorekit.pictures.codecs.tiff_layout import TiffLayout
from restorekit.pictures.codecs.tiff_log import capture_log
from restorekit.pictures.codecs.tiff_notes import fitted, left_out_of, notes_of
from restorekit.pictures.codecs.tiff_pages import (
    PHOTOMETRIC,
    Pixels,
    alpha_place,
    check_page,
    pixels_of,
    white_of_all,
)
from restorekit.pictures.codecs.tiff_stacks import contents
from restorekit.pictures.metadata import exif
from restorekit.pictures.metadata.left_out import leaving_out
from restorekit.pictures.metadata.program_notes import Tag
from restorekit.pictures.picture import Metadata, Picture, PictureError
from restorekit.pictures.pixel_values import Array

_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2  # kinds of channels after gray or colour
_NO_UNIT, _INCHES, _CENTIMETRES = 1, 2, 3  # units of resolution
_BIG = 4_000_000_000  # bytes; larger files need the 64-bit offsets of BigTIFF
_XMP, _IPTC, _PROFILE = 700, 33723, 34675


def count(path: Path) -> int:
    """Number of pictures in a TIFF, without thumbnails and masks.

    Raises:
        PictureError: the file is a raw file, or its directories are damaged.
    """
    with _opened(path) as (tiff, layout, _), capture_log():
        return len(contents(tiff, layout).planes)


def read(path: Path) -> Iterator[tuple[Pixels, Metadata, int]]:
    """Read the pixels, metadata and orientation of each page.

    Raises:
        PictureError: a page is too large, truncated, or has an unsupported kind of pixels.
        Exception: any that tifffile and imagecodecs raise for damaged files.
    """
    with _opened(path) as (tiff, layout, lines):
        with capture_log() as more:
            planes, left_out = contents(tiff, layout)
            white: float | None = None
        lines += more
        for number, plane in enumerate(planes):
            page = plane.page
            with capture_log() as more:
                check_page(page, layout.size)
                # Only for a stack; a single page finds its white by itself.
                if number == 0 and len(planes) > 1:
                    white = white_of_all(planes, layout.size)
                pixels = pixels_of(page, plane.decode(), white)
                metadata = _metadata(tiff, page)
                if plane.number:  # notes describe all planes, so the first one has them
                    metadata = replace(metadata, notes=())
            lines += more
            damaged = (f"damaged parts (tifffile: {line})" for line in lines)
            metadata = leaving_out(metadata, *left_out, *left_out_of(page), *damaged)
            yield pixels, metadata, _orientation(page)
            # Each message is reported with the first page that is read after it.
            lines.clear()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tifffile.TiffFile, TiffLayout, list[str]]]:
    """Open a file after checking that its directories are valid and it is not a raw file."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        layout = TiffLayout(file)
        if kind := kind_in(path, head, layout):
            raise PictureError(refusal_message(kind))
        with capture_log() as lines:
            tiff = tifffile.TiffFile(path)
        with tiff:
            yield tiff, layout, lines


def write(pictures: Iterator[Picture], path: Path, expected_bytes: int) -> None:
    """Write pages one after the other, with lossless compression.

    Args:
        pictures: the pages.
        path: an existing file.
        expected_bytes: upper limit of the size, which decides whether a BigTIFF is written.
    """
    big = expected_bytes > _BIG
    directories = []
    with tifffile.TiffWriter(path, bigtiff=big, byteorder="<") as tiff:
        for picture in pictures:
            tags, further = exif.to_tiff(picture.metadata.exif)
            # tifffile writes no EXIF directories. Placeholder entries are replaced by `_append`.
            # In a BigTIFF the directories would need another layout, and EXIF in one is rare.
            further = {} if big else further
            # tifffile refuses the codes themselves, so the next ones hold their place.
            tags += [(code + 1, "I", 1, 0, True) for code in further]
            octets = ((_XMP, picture.metadata.xmp), (_IPTC, picture.metadata.iptc))
            tags += [(code, "B", len(held), held, True) for code, held in octets if held]
            tags += _noted(picture)
            directories.append(further)
            bits = picture.bits
            values = _channels(picture) if bits is None else bits
            tiff.write(values, **_options(picture), extratags=tags)
    if any(directories):
        _append(directories, path)


def _options(picture: Picture) -> dict[str, Any]:
    metadata = picture.metadata
    options: dict[str, object] = {
        "photometric": "minisblack" if picture.colours == 1 else "rgb",
        "planarconfig": "contig",
        "compression": "zlib",
        "predictor": picture.bits is None,
        # tifffile would add a description with the shape, which is wrong for single pages.
        "metadata": None,
        "software": False,
        "iccprofile": metadata.icc_profile,
    }
    kinds = [_UNSPECIFIED] * picture.extra
    if picture.alpha is not None:
        kind = _ASSOCIATED if metadata.alpha == "associated" else _UNASSOCIATED
        kinds.insert(_alpha_place(picture), kind)
    if kinds:
        options["extrasamples"] = kinds
    if metadata.dpi is not None:
        options |= {"resolution": metadata.dpi, "resolutionunit": _INCHES}
    elif metadata.density is not None:
        options |= {"resolution": metadata.density, "resolutionunit": _NO_UNIT}
    return options


def _noted(picture: Picture) -> list[Tag]:
    """The notes of programs as entries for a page."""
    notes, dtype = picture.metadata.notes, picture.pixels.dtype
    return [fitted(tag, dtype) for note in notes for tag in note.tags]


def _channels(picture: Picture) -> Array:
    """The channels in the order of the original file."""
    channels = picture.channels()
    if picture.alpha is None or not picture.extra:
        return channels
    order = list(range(picture.pixels.shape[2]))
    order.insert(picture.colours + _alpha_place(picture), len(order))
    return channels[..., order]


def _alpha_place(picture: Picture) -> int:
    place = picture.metadata.alpha_place
    return picture.extra if place is None else min(place, picture.extra)


def _append(directories: list[dict[int, exif.ExifDirectory]], path: Path) -> None:
    """Append directories to the file, and write their offsets into the placeholder entries."""
    with path.open("r+b") as file, tifffile.TiffFile(path) as tiff:
        for page, further in zip(tiff.pages, directories, strict=True):
            for code, directory in further.items():
                tag = page.tags[code + 1]  # type: ignore[union-attr]
                place = file.seek(0, 2)
                place += file.write(bytes(place % 2))  # directories begin at even places
                file.write(directory.tobytes(place))
                file.seek(tag.offset)
                file.write(struct.pack("<HHII", code, 4, 1, place))


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(274)
    return tag.value if tag is not None and tag.value in range(1, 9) else 1


def _metadata(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Metadata:
    file: IO[bytes] = tiff.filehandle  # type: ignore[assignment]
    place = alpha_place(page)
    resolution, unit = _resolution(page), page.tags.valueof(296, default=_INCHES)
    factor = {_INCHES: 1.0, _CENTIMETRES: 2.54}.get(unit)
    return Metadata(
        exif=exif.from_tiff(file, page.offset, tiff.byteorder, tiff.is_bigtiff),
        icc_profile=_octets(page, _PROFILE),
        dpi=(factor * resolution[0], factor * resolution[1]) if resolution and factor else None,
        # Programs write 1 if there is no resolution.
        density=resolution if unit == _NO_UNIT and resolution != (1.0, 1.0) else None,
        xmp=_octets(page, _XMP),
        notes=notes_of(page),
        iptc=_octets(page, _IPTC),
        ink=page.photometric == PHOTOMETRIC.SEPARATED,
        is_bilevel=page.bitspersample == 1 and page.photometric != PHOTOMETRIC.PALETTE,
        alpha="associated" if _is_associated(page, place) else "unassociated",
        alpha_place=place,
    )


def _is_associated(page: tifffile.TiffPage, place: int | None) -> bool:
    return place is not None and page.extrasamples[place] == _ASSOCIATED


def _octets(page: tifffile.TiffPage, code: int) -> bytes | None:
    value = page.tags.valueof(code)
    if isinstance(value, str):
        value = value.encode()
    return value if isinstance(value, bytes) and value else None


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Pixels per unit, horizontal and vertical."""
    x, y = page.tags.valueof(282), page.tags.valueof(283)
    try:
        resolution = (x[0] / x[1], y[0] / y[1])
    except (TypeError, ZeroDivisionError, IndexError):
        return None
    return resolution if min(resolution) > 0 and max(resolution) < 1e6 else None
