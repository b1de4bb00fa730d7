"""Pixel values at every depth: types, ranges, and conversion between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Depth = Literal[8, 16, "float"]
DTYPES: Mapping[Depth, np.dtype[Any]] = {
    8: np.dtype(np.uint8),
    16: np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}
# Types of pixels in memory and in TIFF files.
TYPES = frozenset(map(np.dtype, ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8")))
_WIDE = frozenset(map(np.dtype, ("u4", "i4", "f8")))  # more digits than float32 holds
_LARGEST_EXACT = 2**24  # integer, in float32
# Conversions are done in bands, to avoid temporary copies of a whole picture.
_ROWS_AT_ONCE = 256
# Cameras often store 10 or 12 bits in the low bits of 16; 14 bits and more use the whole range.
_FULL_16_BIT = 2**14


def full_scale(dtype: np.dtype[Any]) -> float:
    """The value of white: 255 for uint8, 65535 for uint16, 1 for floats."""
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def white_of(pixels: Array) -> int:
    """The value of white in a picture of integers.

    Cameras store 10 or 12 bits in 16. If no value of uint16 reaches 2^14, white is the next power
    of two minus one, and at least 255. Otherwise it is the largest value of the type.
    """
    if pixels.dtype != np.uint16 or (highest := int(pixels.max(initial=0))) >= _FULL_16_BIT:
        return int(full_scale(pixels.dtype))
    # At least 8 bits, since a very dark picture is more likely than a camera of 7 bits.
    return max(1 << highest.bit_length(), 256) - 1


def rescale(
    values: Array, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """Convert values to another depth: white becomes the white of that depth, black becomes 0.

    Integers are clamped to black and white, then rounded; NaN becomes black. Conversions from 8 to
    16 bits and back, and from 8 or 16 bits to float and back, are exact.

    Args:
        values: pixels of any depth.
        dtype: the type of the result.
        white: the value that is white; None for the largest of an integer type, and 1 of floats.
        black: the value that is black.
    """
    if values.dtype == dtype:
        return values
    result = np.empty(values.shape, dtype)
    for top in range(0, len(values), _ROWS_AT_ONCE):
        band = to_unit(values[top : top + _ROWS_AT_ONCE], white, black, None)
        result[top : top + _ROWS_AT_ONCE] = from_unit(band, dtype)
    return result


def to_unit(
    values: Array,
    white: float | None = None,
    black: float = 0.0,
    dtype: type[np.floating[Any]] | None = np.float32,
) -> Array:
    """A copy of values as floats, with black 0 and white 1; see `rescale`.

    Args:
        values: pixels of any depth.
        white: as in `rescale`.
        black: as in `rescale`.
        dtype: the type of the result; None selects one that holds all digits of the values.
    """
    white = full_scale(values.dtype) if white is None else white
    # Converted before black is subtracted: unsigned integers would wrap around.
    unit = values.astype(_working(values.dtype, black, white))
    with np.errstate(over="ignore"):  # values outside the range of the type become infinite
        if black:
            unit -= unit.dtype.type(black)
        unit /= unit.dtype.type(white - black)
        return unit if dtype is None else unit.astype(dtype, copy=False)


def from_unit(
    unit: Array, dtype: np.dtype[Any], white: float | None = None, black: float = 0.0
) -> Array:
    """Convert floats with black 0 and white 1 to another type; see `rescale`."""
    white = full_scale(dtype) if white is None else white
    working = np.promote_types(unit.dtype, _working(dtype, black, white)).type
    values = unit.astype(working)
    if dtype.kind in "ui":
        # Before the conversion, which is undefined in C for NaN and values out of range.
        np.nan_to_num(np.clip(values, 0, 1, out=values), copy=False)
    values *= working(white - black)
    if black:
        values += working(black)
    if dtype.kind in "ui":
        np.rint(values, out=values)
    return values.astype(dtype, copy=False)


def _working(dtype: np.dtype[Any], black: float, white: float) -> type[np.floating[Any]]:
    """The float type that holds all digits of a type between black and white."""
    is_wide = dtype in _WIDE or max(abs(black), abs(white)) > _LARGEST_EXACT
    return np.float64 if is_wide else np.float32
