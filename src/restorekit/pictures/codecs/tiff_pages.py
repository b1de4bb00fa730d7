"""The pixels of a TIFF page: checks, and conversion to arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tifffile

from restorekit.pictures.codecs.pillow_files import ink_to_colour
from restorekit.pictures.codecs.tiff_stacks import Plane
from restorekit.pictures.picture import PictureError, check_size
from restorekit.pictures.pixel_values import TYPES, Array, from_unit, full_scale, to_unit
from restorekit.pictures.value_ranges import Range, range_of

PHOTOMETRIC = tifffile.PHOTOMETRIC
_GRAY = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
_COLOUR = (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
_NO_DATA = 42113
_IS_ALPHA = (1, 2)  # associated, unassociated; 0 is unspecified
# Largest number of decoded bytes per byte, by compression.
_MOST_PER_BYTE = {1: 2, 5: 3000, 8: 1040, 32946: 1040, 32773: 64}
_MOST_PER_BYTE_ELSE = 50_000
_LARGE = 2**26  # bytes; smaller pages are not checked
_MANY = 65_536  # strips or tiles
_MOST_BYTES = 8_000_000_000  # size of the pixels of a page


class Pixels(NamedTuple):
    """The pixels of a page.

    Attributes:
        values: (H, W, C): gray or colour, then other channels.
        alpha: (H, W) or None.
        extra: number of other channels.
        known: the range, if it is not to be taken from the values.
        no_data: the value of pixels without data.
    """

    values: Array
    alpha: Array | None = None
    extra: int = 0
    known: Range | None = None
    no_data: float | None = None


def check_page(page: tifffile.TiffPage, file_size: int) -> None:
    """Check a page before it is decoded.

    Raises:
        PictureError: the page is too large, truncated, or has an unsupported kind of pixels.
    """
    # First, since the other checks use the declared size.
    check_size(page.imagewidth, page.imagelength)
    if page.imagedepth != 1:
        raise PictureError("it holds a volume, not pictures")
    known = (*_GRAY, *_COLOUR, PHOTOMETRIC.PALETTE)
    if not _is_ink(page) and page.photometric not in known:
        name = getattr(page.photometric, "name", str(page.photometric))
        raise PictureError(f"its pixels are of kind {name}, not gray or colour")
    if page.photometric == PHOTOMETRIC.PALETTE and page.samplesperpixel != 1:
        raise PictureError(f"its palette has {page.samplesperpixel} channels, not 1")
    if page.photometric in _COLOUR and page.samplesperpixel - len(page.extrasamples) < 3:
        raise PictureError(f"its colour has {page.samplesperpixel} channels, not 3 or more")
    if page.dtype is None or page.dtype.newbyteorder("=") not in {*TYPES, np.dtype(bool)}:
        kind = page.dtype or f"{page.bitspersample}-bit channels"
        raise PictureError(
            f"its pixels are of type {kind}, not 8, 16 or 32-bit integers, nor floats"
        )
    # The number of pixels is limited, but not that of the channels.
    if page.nbytes > _MOST_BYTES:
        raise PictureError(f"its pixels take {page.nbytes / 1e9:.3g} GB")
    _check_claims(page)
    ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False) if n)
    if max(ends, default=0) > file_size:
        raise PictureError("it is damaged (it ends too early)")


def white_of_all(planes: Iterable[Plane], file_size: int) -> float | None:
    """The largest white of pages where 0 is white, so that all pages are inverted alike."""
    found = []
    for plane in planes:
        if _is_turned_over(plane.page):
            check_page(plane.page, file_size)
            found.append(range_of(plane.decode()).white)
    return max(found, default=None)


def pixels_of(page: tifffile.TiffPage, values: Array, white: float | None = None) -> Pixels:
    """Convert the decoded values of a page, so that black is less than white.

    Args:
        page: the page.
        values: the values that tifffile decodes.
        white: the white of all pages for 16-bit pages where 0 is white; None finds it.
    """
    if page.planarconfig == 2 and page.samplesperpixel > 1:  # channels are stored separately
        values = np.moveaxis(values.reshape(page.samplesperpixel, *_size(page)), 0, 2)
    values = np.ascontiguousarray(values).reshape(*_size(page), page.samplesperpixel)
    if page.photometric == PHOTOMETRIC.PALETTE:
        return Pixels(_look_up(page, values[..., 0]))
    if _is_ink(page):
        return Pixels(ink_to_colour(values))
    values, known = _whole_range(values, page.bitspersample)
    found = _without_alpha(values, page)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        known = known or range_of(found.values, 0.0 if white else None, white)
        gray = _negative(found.values[..., :1], known)
        found = found._replace(values=np.concatenate([gray, found.values[..., 1:]], 2))
    return found._replace(known=known, no_data=None if known else _no_data(page))


def alpha_place(page: tifffile.TiffPage) -> int | None:
    """Index of alpha among the channels after gray or colour; None without alpha."""
    return next((n for n, kind in enumerate(page.extrasamples) if kind in _IS_ALPHA), None)


def _check_claims(page: tifffile.TiffPage) -> None:
    """Reject a page that claims many more pixels than its data can contain."""
    size = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample // 8
    pieces, stored = math.prod(page.chunked), len(page.dataoffsets)
    most = _MOST_PER_BYTE.get(page.compression, _MOST_PER_BYTE_ELSE)
    too_small = size > _LARGE and size > most * sum(page.databytecounts)
    if too_small or (pieces != stored and max(pieces, stored) > _MANY):
        raise PictureError("it is damaged (it claims more pixels than its data can hold)")


def _no_data(page: tifffile.TiffPage) -> float | None:
    """The value of pixels without data, from GDAL's entry."""
    try:
        value = float(str(page.tags.valueof(_NO_DATA, default="nan")).strip(" \x00"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_turned_over(page: tifffile.TiffPage) -> bool:
    """Whether 0 is white in a 16-bit page. Black then depends on the values, see `white_of`."""
    is_16_bit = page.dtype == np.uint16 and page.bitspersample == 16
    return bool(is_16_bit and page.photometric == PHOTOMETRIC.MINISWHITE)


def _size(page: tifffile.TiffPage) -> tuple[int, int]:
    return page.imagelength, page.imagewidth


def _is_ink(page: tifffile.TiffPage) -> bool:
    channels = (page.bitspersample, page.samplesperpixel)
    return page.photometric == PHOTOMETRIC.SEPARATED and channels == (8, 4)


def _without_alpha(values: Array, page: tifffile.TiffPage) -> Pixels:
    count = page.samplesperpixel
    colours = count - len(page.extrasamples)
    if colours not in (1, 3):
        colours = 3 if page.photometric in _COLOUR else 1
    if (place := alpha_place(page)) is None:
        return Pixels(values, None, count - colours)
    alpha = np.ascontiguousarray(values[..., colours + place])
    rest = np.delete(values, colours + place, axis=2)
    return Pixels(rest, alpha, count - colours - 1)


def _whole_range(values: Array, bits: int) -> tuple[Array, Range | None]:
    """Convert to native byte order; fewer bits are scaled to the whole range, which is returned."""
    native = values.dtype.newbyteorder("=")
    if native.kind == "b":
        return values.astype(np.uint8) * np.uint8(255), Range(0.0, 255.0)
    if native.kind != "u" or bits == 8 * native.itemsize:
        return values.astype(native, copy=False), None
    # 12 bits, for example, are stored in 16, where other programs would show them nearly black.
    wide = from_unit(to_unit(values.astype(native), 2**bits - 1), native)
    return wide, Range(0.0, full_scale(native))


def _negative(values: Array, known: Range) -> Array:
    """Exchange black and white."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        negative: Array = values.dtype.type(known.white) - values
        return negative
    # In float64, since the difference of 32-bit integers can overflow.
    turned = known.black + known.white - values.astype(np.float64)
    if values.dtype.kind == "i" or values.dtype.kind == "u":
        limits = np.iinfo(values.dtype)
        turned = np.clip(np.rint(turned), limits.min, limits.max)
    return turned.astype(values.dtype)


def _look_up(page: tifffile.TiffPage, indices: Array) -> Array:
    """Convert indices to the colours of the palette, (H, W, 3), of 8 bits if these suffice."""
    colours = np.asarray(page.colormap).T
    # Palettes have 16 bits, but programs write 8-bit colours times 257 or 256.
    if not (colours % 257).any() or not (colours % 256).any():
        colours = (colours >> 8).astype(np.uint8)
    return np.ascontiguousarray(colours[indices])
