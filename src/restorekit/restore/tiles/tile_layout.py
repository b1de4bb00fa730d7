"""The layout of tiles: their position, what they read, and how they are blended.

Each axis of the image is divided at seams. Around a seam the results of both tiles are blended with
weights that sum to one everywhere. A tile reads more than it writes: beyond the blend it has a
margin, as wide as the receptive field of the network, where the cut affects the result. At the
border of the image a tile ends with the image, so the network pads it as it pads the whole image.
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
        high: one more than the last row.
        rising: number of rows over which it is blended in at the low end.
        falling: number of rows over which it is blended out at the high end.
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
        length: length of the axis.
        tile: largest distance between seams.
        blend: number of rows over which neighbours are blended; fewer if segments are shorter.
    """
    count = math.ceil(length / tile)
    # Equal segments instead of full tiles and a small rest, whose margins would cost most.
    seams = [round(length * place / count) for place in range(count + 1)]
    shortest = min(after - before for before, after in pairwise(seams))
    # A blend longer than a segment would overlap with the next one.
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
    """The rows that must be read to write rows `low` to `high`.

    The extent starts at a multiple of `alignment` and ends at one or at the border, so that strides
    and padding are the same as for the whole image.

    Args:
        low: first row to write.
        high: one more than the last row.
        length: length of the axis.
        margin: distance up to which a cut affects the result.
        alignment: the first row must be a multiple of it.
        mirrored: whether the network sees the axis reversed; multiples then count from its end.
    """
    if mirrored:
        start, stop = read_extent(length - high, length - low, length, margin, alignment)
        return length - stop, length - start
    start = max(low - margin, 0)
    stop = min(-(-(high + margin) // alignment) * alignment, length)
    if stop == length:  # networks pad by mirroring the last rows, which must be included
        start = min(start, max(length - 2 * alignment, 0))
    return start // alignment * alignment, stop


def _ramp(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Weights from 0 to 1, smooth at both ends; they and their mirror image sum to one."""
    place = (torch.arange(length, dtype=torch.float64) + 0.5) / length
    return (0.5 - 0.5 * torch.cos(math.pi * place)).to(device, dtype)
