"""Whether what clipping has left of noise is distributed like normal noise.

A page with fine dots or grain is clipped at random too, but the distances of its pixels from white
have other moments than the tail of a normal distribution of which the same share is clipped.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LEAST, _MOST = 1e-3, 1 - 1e-3  # clipped shares; moments beyond them are not computable


def tail_ratio(pixels: Tensor) -> Tensor:
    """E[d^2] / E[d]^2 of the distances from the limit, relative to that of normal noise.

    It is 1 for normal noise. Rounding lowers it: to 0.7, 0.8 and 0.9 for a standard deviation of 1,
    2 and 5 steps. Dots raise it if there is noise between them, and lower it if there is none.

    Args:
        pixels: (..., n), floats on the [0, 1] scale, clipped at the limit that more of them have.

    Returns:
        (...,); NaN where all pixels are clipped.
    """
    low, high = ((pixels == value).float().mean(-1, keepdim=True) for value in (0, 1))
    distance = torch.where(high > low, 1 - pixels, pixels)
    left = (distance > 0).sum(-1)
    first, second = distance.sum(-1) / left, distance.square().sum(-1) / left
    limit = -torch.special.ndtri(torch.maximum(low, high)[..., 0].clamp(_LEAST, _MOST))
    density = torch.exp(-limit.square() / 2) / math.sqrt(2 * math.pi)
    mean = limit + density / torch.special.ndtr(limit)
    ratio: Tensor = second / first.square() / ((1 + limit * mean) / mean.square())
    return ratio
