"""Finding black and white of an image: given, by convention, or from its values.

8 and 16-bit unsigned integers and floats on [0, 1] have a convention. Other floats, and signed and
32-bit integers, do not: detectors count, tomographs have their own units. Their range is taken from
the values, and the caller must report it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from restorekit.errors import ArgumentError
from restorekit.pictures.pixel_values import Array, white_of

# Common ranges of floats: black, white, and the interval that the values must at least span.
_CONVENTIONS = (
    (-1.0, 1.0, (-0.3, 0.3)),
    (0.0, 255.0, (64, 64)),
    (0.0, 65535.0, (16384, 16384)),
)
_LEAST = 1 / 64  # least maximum of floats on the [0, 1] scale that are not all 0
_SLACK = 0.05  # tolerance without noise, as a share of the range
# Share of values on the [0, 1] scale that may exceed 10; highlights do so, but only in few pixels.
_BRIGHTEST, _BRIGHT = 10.0, 0.01
# Share of values on that scale that may be clearly negative; noise in a black picture causes 16 %.
_DARK, _DARK_BY_NOISE = 0.02, 0.2
_SAMPLE = 1_000_000  # values
# Not the extremes: single hot or dead pixels would decide.
_QUANTILES = (0.001, 0.5, 0.999)


@dataclass(frozen=True)
class Range:
    """The values that are black and white.

    Attributes:
        black: the value that is 0 for a network.
        white: the value that is 1 for a network.
        is_guessed: whether one of them was taken from the values, because no convention applies.
    """

    black: float
    white: float
    is_guessed: bool = False

    @property
    def words(self) -> str:
        """The warning that the range was guessed."""
        return (
            f"black {self.black:g} and white {self.white:g} were taken from the values; "
            "--black and --white (black= and white= in Python) set them"
        )


@dataclass(frozen=True)
class _Spread:
    """Statistics of a sample; `noise` is a rough estimate of the noise's standard deviation."""

    low: float
    middle: float
    high: float
    noise: float
    dark: float  # share of values clearly below 0
    bright: float  # share of values above 10

    def is_within(self, black: float, white: float) -> bool:
        """Whether the values exceed a range by no more than noise explains."""
        slack = _SLACK * (white - black) + 4 * self.noise
        return self.low >= black - slack and self.high <= white + slack

    @property
    def is_unit(self) -> bool:
        """Whether the values are on the [0, 1] scale, possibly with highlights above white."""
        slack = _SLACK + 4 * self.noise
        is_dark = self.dark > (_DARK_BY_NOISE if self.low >= -slack else _DARK)
        if is_dark or self.middle > 1 + slack or self.bright > _BRIGHT:
            return False
        return self.high >= _LEAST or self.low == self.high == 0


def as_stored(value: float, dtype: np.dtype[Any]) -> float:
    """The value rounded to a floating point type; unchanged for integer types."""
    with np.errstate(over="ignore"):
        return float(np.float64(value).astype(dtype)) if dtype.kind == "f" else value


def check_range(black: object, white: object) -> tuple[float | None, float | None]:
    """Convert black and white to numbers; None for "auto".

    Raises:
        ArgumentError: a value is not a number, or white is not above black.
    """
    ends = _number("black", black), _number("white", white)
    if None not in ends and not ends[0] < ends[1]:  # type: ignore[operator]
        raise ArgumentError(f"white must be greater than black, not {white!r} with black {black!r}")
    return ends


def range_of(
    values: Array,
    black: float | None = None,
    white: float | None = None,
    no_data: float | None = None,
) -> Range:
    """The range of an image's values.

    The range of uint8 is 0 to 255, that of uint16 is 0 to `white_of`. Floats are on the [0, 1]
    scale if noise or a few highlights explain the values outside it. Otherwise the range is
    guessed: a common one, for example -1 to 1 or 0 to 255, if the values fill it, else that of the
    values without the outermost 0.1 % at each end. Black is 0 if no value is negative.

    Args:
        values: (H, ...), of any numeric type.
        black: the value that is black, if it is known.
        white: the value that is white, if it is known.
        no_data: the value of pixels without data.

    Raises:
        ArgumentError: white would not be greater than black.
    """
    if black is not None and white is not None:
        return Range(black, white)
    if values.dtype in (np.uint8, np.uint16):
        guess = Range(0.0, float(white_of(values)))
    else:
        spread = _spread(values, no_data)
        guess = _integer_range(spread) if values.dtype.kind in "iu" else _float_range(spread)
        if white is not None and spread.low >= -_SLACK * white - 4 * spread.noise:
            guess = Range(0.0, guess.white)
    found = Range(
        guess.black if black is None else black,
        guess.white if white is None else white,
        guess.is_guessed,
    )
    if not found.black < found.white:
        raise ArgumentError(
            f"black {found.black:g} and white {found.white:g} leave no range; set both"
        )
    return found


def _integer_range(spread: _Spread) -> Range:
    if spread.low >= 0:
        # Detectors have a number of bits, as cameras do.
        return Range(0.0, float(max(1 << int(spread.high).bit_length(), 256) - 1), True)
    return _own_range(spread)


def _float_range(spread: _Spread) -> Range:
    if spread.is_unit:
        return Range(0.0, 1.0)
    for black, white, (low, high) in _CONVENTIONS:
        if spread.is_within(black, white) and spread.low <= low and spread.high >= high:
            return Range(black, white, True)
    return _own_range(spread)


def _own_range(spread: _Spread) -> Range:
    low, high = spread.low, spread.high
    # Black is 0 if the darkest values are near it; an offset far from 0 is kept as black.
    if -4 * spread.noise <= low < 0.25 * high or low == high > 0:
        low = 0.0
    # A constant image has no range, but any white above black restores it unchanged.
    return Range(low, high if high > low else low + max(1.0, abs(low)), True)


def _spread(values: Array, no_data: float | None) -> _Spread:
    """Statistics of an evenly spaced sample of the finite values."""
    step = max(1, math.ceil(values.size / _SAMPLE))
    # Rows are kept whole, since the noise is measured between neighbouring rows.
    longest = 1 + int(np.argmax(values.shape[1:])) if values.ndim > 1 else 0
    places = tuple(slice(None, None, step if axis == longest else 1) for axis in range(values.ndim))
    sample = values[places].astype(np.float64)
    if no_data is not None:
        sample[sample == as_stored(no_data, values.dtype)] = np.nan
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return _Spread(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(sample, axis=0))
    steps = steps[np.isfinite(steps)]
    # The median difference of two normal values is 0.6745 sqrt(2) standard deviations.
    noise = float(np.median(steps)) / 0.954 if steps.size else 0.0
    low, middle, high = (float(end) for end in np.quantile(finite, _QUANTILES, method="nearest"))
    return _Spread(
        low,
        middle,
        high,
        noise,
        float(np.mean(finite < -_SLACK - noise)),
        float(np.mean(finite > _BRIGHTEST)),
    )


def _number(name: str, value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value == "auto"):
        return None
    try:
        # float() would accept "nan", "12" and True.
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentError(f"{name} is a number or 'auto', not {value!r}")
    return number
