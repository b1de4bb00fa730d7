"""Gray pictures stored as colour, whose three channels differ by their noise only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.noise_spectrum import opponent
from restorekit.restore.canvas import Canvas
from restorekit.restore.strength import Strength

_LEAST = 0.5 / 255  # weaker differences are those of rounding
# Averages over squares of these sides show chroma that noise hides in single pixels.
_SIDES = (4, 16, 64)
# Largest mean square and absolute value of an average, relative to that of white noise. The mean
# square of few averages varies, which the third number of standard errors allows for.
_MEAN_SQUARE, _LARGEST, _ERRORS = 1.25, 6.0, 3.0
_ROWS = 512  # of a band, a multiple of the sides


def differs_by_noise(canvas: Canvas) -> bool:
    """Whether the image is gray, and its three channels have independent white noise.

    Then the chroma is white noise without a mean. The whole image is examined, because a single
    small coloured area counts too.

    Args:
        canvas: one image.
    """
    if canvas.source.shape[:2] != (1, 3) or not canvas.is_colour or canvas.is_neutral:
        return False
    total = torch.zeros((), dtype=torch.float64)
    for rows in _bands(canvas):
        chroma = torch.einsum("pc,nchw->nphw", opponent()[1:], canvas.read_rows(rows).cpu())
        if not _is_white_noise(chroma):
            return False
        total += chroma.square().sum(dtype=torch.float64)
    return float(total / (2 * math.prod(canvas.size))) >= _LEAST**2


def average_channels(canvas: Canvas, strength: Strength) -> None:
    """Write the mean of the three channels as the result."""
    for rows in _bands(canvas):
        original = canvas.read_rows(rows)
        mean = original.mean(1, keepdim=True).expand_as(original)
        canvas.write(slice(None), rows, canvas.encode(strength.apply(original, mean).clone()))


def _is_white_noise(chroma: Tensor) -> bool:
    """Whether averages of chroma (1, 2, H, W) are those of white noise, up to the border."""
    sides = [side for side in _SIDES if side <= min(chroma.shape[-2:])]
    if not sides:
        return False
    top, left = (length % sides[-1] for length in chroma.shape[-2:])
    # Whole squares from each corner, so that no pixel is left out.
    return all(_has_white_averages(chroma[..., y:, x:], sides) for y in {0, top} for x in {0, left})


def _has_white_averages(chroma: Tensor, sides: Sequence[int]) -> bool:
    """The same for the whole squares of chroma from its first pixel."""
    power = functional.avg_pool2d(chroma.square(), sides[-1])
    for side in sides:
        repeats = sides[-1] // side
        around = power.repeat_interleave(repeats, 2).repeat_interleave(repeats, 3)
        average = functional.avg_pool2d(chroma, side)[..., : around.shape[2], : around.shape[3]]
        square = average.square() / (around.clamp_min(1e-12) / side**2)
        most = _MEAN_SQUARE + _ERRORS * math.sqrt(2 / square.numel())
        if square.mean() > most or square.max() > _LARGEST**2:
            return False
    return True


def _bands(canvas: Canvas) -> Iterator[slice]:
    """Bands of rows; the last one is not too low to be judged."""
    height = canvas.size[0]
    tops = range(0, max(1, height - _SIDES[-1] + 1), _ROWS)
    for top, below in zip(tops, [*tops[1:], height], strict=True):
        yield slice(top, below)
