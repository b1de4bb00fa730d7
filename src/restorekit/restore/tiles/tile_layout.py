"""Where the tiles of an image lie, what they read, and how they are blended.

Along each axis the image is divided at seams. Around a seam the results of both neighbours are
blended, one fading out as the other fades in, so that the weights sum to one everywhere. A tile
reads more than it writes: beyond the blend lies the margin, as wide as the network's reach, where
the cut can be felt. At the image's own border a tile ends where the image does, so that the network
pads it there as it would the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

PixelRange = tuple[int, int]


@dataclass(frozen=True)
class TileSpan:
    """A tile along one axis.

    Attributes:
        low: the first row that it writes.
        high: one beyond the last.
        rising: over how many rows at its low end it fades in.
        falling: over how many rows at its high end it fades out.
    """

    low: int
    high: int
    rising: int = 0
    falling: int = 0

    def weights(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """The weight of each row in the blend, (high - low,)."""
        weights = torch.ones(self.high - self.low, dtype=dtype, device=device)
        if self.rising:
            weights[: self.rising] = _ramp(self.rising, dtype, device)
        if self.falling:
            weights[len(weights) - self.falling :] = 1 - _ramp(self.falling, dtype, device)
        return weights


def divide_axis(length: int, tile: int, blend: int) -> list[TileSpan]:
    """Divide an axis into equal segments.

    Args:
        length: of the axis.
        tile: the greatest distance between seams.
        blend: over how many rows neighbours are blended; less where segments are shorter.
    """
    count = math.ceil(length / tile)
    seams = [round(length * place / count) for place in range(count + 1)]
    shortest = min(after - before for before, after in pairwise(seams))
    half = min(blend, shortest) // 2
    return [
        TileSpan(
            low=before - (half if before else 0),
            high=after + (half if after < length else 0),
            rising=2 * half if before else 0,
            falling=2 * half if after < length else 0,
        )
        for before, after in pairwise(seams)
    ]


def read_extent(
    low: int, high: int, length: int, margin: int, alignment: int, mirrored: bool = False
) -> PixelRange:
    """What must be read of an axis to write rows `low` to `high`.

    It starts at a multiple of `alignment` and ends at one or at the border, so that strides and
    padding fall as in the whole image.

    Args:
        low: first row to write.
        high: one beyond the last.
        length: of the axis.
        margin: how far a cut is felt.
        alignment: what the first row is a multiple of.
        mirrored: whether the network sees the axis reversed; multiples count from its end then.
    """
    if mirrored:
        start, stop = read_extent(length - high, length - low, length, margin, alignment)
        return length - stop, length - start
    start = max(low - margin, 0)
    stop = min(-(-(high + margin) // alignment) * alignment, length)
    if stop == length:  # what a network pads it mirrors from the last rows: all are to be there
        start = min(start, max(length - 2 * alignment, 0))
    return start // alignment * alignment, stop


def _ramp(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """From 0 to 1, smooth at both ends; with its mirror image it sums to one."""
    place = (torch.arange(length, dtype=torch.float64) + 0.5) / length
    return (0.5 - 0.5 * torch.cos(math.pi * place)).to(device, dtype)
