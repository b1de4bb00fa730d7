"""The scale of the values of an image: black, white, and the limits of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.pictures.value_ranges import Range

# Values farther outside [0, 1] are neither noise nor light, but hot pixels or fill values.
_FARTHEST = 10.0
_MOST_FAR = 0.01  # share of the values; if there are more, the range is wrong


@dataclass(frozen=True)
class Scale:
    """The scale of the values of an image.

    Attributes:
        white: the value that is 1 for the network.
        low: smallest value of the result, on the scale of the network.
        high: largest value of the result, on the scale of the network.
        black: the value that is 0 for the network.
    """

    white: float
    low: float = 0.0
    high: float = 1.0
    black: float = 0.0

    @property
    def span(self) -> float:
        """Difference between white and black."""
        return self.white - self.black


UNIT = Scale(1.0, -math.inf, math.inf)


def scale_of(source: Tensor, known: Range, low: float, high: float) -> Scale:
    """The scale of an image with values from `low` to `high`, which may exceed its range."""
    low, high = min(low, known.black), max(high, known.white)
    # White of a 12-bit picture may be set above the largest value of its type.
    if not source.is_floating_point():
        limits = torch.iinfo(source.dtype)
        low, high = max(low, limits.min), min(high, limits.max)
    span = known.white - known.black
    return Scale(known.white, (low - known.black) / span, (high - known.black) / span, known.black)


def find_limits(
    source: Tensor, known: Range, no_data: float | None
) -> tuple[float, float, Tensor | None]:
    """The smallest and largest value, and a mask of missing pixels, which do not count."""
    low, high = _extremes(source)  # NaN if any value is NaN
    black, white = known.black, known.white
    far = _FARTHEST * (white - black)
    if black - far <= low and high <= black + far and no_data is None:
        return low, high, None
    # Only now, since most images have no such values and the copy is large.
    exact = source.double()
    gaps = ~((exact >= black - far) & (exact <= black + far))
    beyond = gaps & exact.isfinite()
    if no_data is not None:
        empty = exact == _as_stored(no_data, source.dtype)
        gaps, beyond = gaps | empty, beyond & ~empty
        if not bool(gaps.any()):
            return low, high, None
        if bool(gaps.all()):
            raise InputError(f"no pixel has a value; all are {no_data:g}")
    if not bool((~gaps | beyond).any()):
        raise InputError("an image's values must be finite; all are NaN or infinite")
    if (share := float(beyond.double().mean())) > _MOST_FAR:
        farthest = float(exact[beyond][exact[beyond].abs().argmax()])
        raise InputError(
            f"black is {black:g} and white {white:g}, but {share:.0%} of the values lie far "
            f"outside them, up to {farthest:g}; set the range with black and white"
        )
    low, high = (float(value) for value in torch.aminmax(exact[~gaps]))
    return low, high, gaps


def _extremes(source: Tensor) -> tuple[float, float]:
    if source.is_floating_point():
        low, high = torch.aminmax(source)
        return float(low), float(high)
    values = source.cpu().numpy()  # torch cannot compare uint16 and uint32
    return float(values.min()), float(values.max())


def _as_stored(value: float, dtype: torch.dtype) -> float:
    """The value rounded to a floating point type; unchanged for integer types."""
    return float(torch.tensor(value, dtype=dtype)) if dtype.is_floating_point else value
