"""Blocks of 8x8 pixels from which noise is measured, with and without clipped pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.dct import SIDE, dct_of_blocks
from restorekit.mirroring import continued

LEAST_BLOCKS = 40
# Blocks with a larger share of saturated pixels around them are used only if there are no others,
# and those that have many times more themselves are never used: they lie on a saturated detail.
_SATURATED, _LARGEST_CHANCE = 0.1, 2


class UsableBlocks(NamedTuple):
    """The blocks that are measured.

    Attributes:
        power: squared DCT coefficients, (n, 64), as if no pixel were clipped.
        brightness: the first coefficient, (n,).
        chance: factor of the energy that a block has because fewer or more of its pixels are
            clipped than of those around it, (n,).
    """

    power: Tensor
    brightness: Tensor
    chance: Tensor


class Blocks(NamedTuple):
    """The blocks of one channel, spread evenly.

    Attributes:
        coefficients: DCT coefficients of each block, (N, 64).
        varied: whether each block is not constant, (N,).
        low: share of the pixels of each block that are 0 and may have been clipped, (N,).
        high: share of the pixels of each block that are 1 and may have been clipped, (N,).
        around: share of both in the nine blocks of which each block is the middle, (N,).
    """

    coefficients: Tensor
    varied: Tensor
    low: Tensor
    high: Tensor
    around: Tensor

    @classmethod
    def of(cls, plane: Tensor, count: int) -> Blocks:
        """About `count` blocks of a plane (H, W)."""
        plane = continued(continued(plane, 0, SIDE), 1, SIDE)
        positions = math.prod(side - SIDE + 1 for side in plane.shape)
        step = max(1, math.ceil(math.sqrt(positions / count)))
        blocks = plane.unfold(0, SIDE, step).unfold(1, SIDE, step).reshape(-1, SIDE**2)
        varied = blocks.amax(1) > blocks.amin(1)
        low = high = around = torch.zeros(len(blocks), device=plane.device)
        lowest, highest = plane.aminmax()
        if lowest >= 0 and highest <= 1 and (lowest == 0 or highest == 1):
            low = (blocks <= 0).float().mean(1)
            high = (blocks >= 1).float().mean(1)
            clipped = ((plane <= 0) | (plane >= 1)).float()[None, None]
            wider = functional.pad(clipped, (SIDE,) * 4, mode="replicate")
            around = functional.avg_pool2d(wider, 3 * SIDE, step).flatten()
        return cls(dct_of_blocks(blocks), varied, low, high, around)

    @property
    def are_drawn(self) -> bool:
        """Whether most blocks are constant, for example in a drawing or a saturated sky."""
        return 2 * int(self.varied.sum()) < len(self.varied)

    def usable(self) -> UsableBlocks:
        """Without constant blocks, and without saturated ones if there are enough others."""
        coefficients, low, high, around = (
            each[self.varied] for each in (self.coefficients, self.low, self.high, self.around)
        )
        if not bool((low + high).any()):
            return UsableBlocks(coefficients.square(), coefficients[:, 0], torch.ones_like(low))
        # What is around a block chooses. Blocks of which few pixels are clipped by chance have
        # less noise than others, also by chance: choosing them would bias the estimate downwards.
        fewest = min(len(low), max(LEAST_BLOCKS, len(low) // 4))
        limit = around.kthvalue(fewest).values.clamp_min(_SATURATED)
        usable = (around <= limit) & (low + high <= _LARGEST_CHANCE * limit)
        low, high, around = low[usable], high[usable], around[usable]
        kept, part = clipped_variance(low, high), around / (low + high).clamp_min(1e-9)
        coefficients = coefficients[usable]
        return UsableBlocks(
            coefficients.square() / kept[:, None],
            coefficients[:, 0],
            kept / clipped_variance(low * part, high * part),
        )

    def difference(self, other: Blocks) -> UsableBlocks:
        """Like `usable`, for the difference to another channel.

        Only blocks that are usable and not saturated in both channels count. The result is empty if
        these are less than half of all.
        """
        saturated = self.low + self.high + other.low + other.high
        clean = self.varied & other.varied & (saturated == 0)
        if int(clean.sum()) < max(LEAST_BLOCKS, len(clean) // 2):
            clean = torch.zeros_like(clean)
        one, two = self.coefficients[clean], other.coefficients[clean]
        power = (one - two).square()
        return UsableBlocks(power, (one + two)[:, 0], torch.ones_like(power[:, 0]))


def clipped_variance(low: Tensor, high: Tensor) -> Tensor:
    """Variance of a standard normal variable after clipping.

    Args:
        low: Probability of lying below the lower limit; values above 0.5 count as 0.5.
        high: The same for the upper limit.

    Returns:
        The variance of what is clipped to the limits; 1 for probabilities of 0.
    """
    low, high = low.clamp(1e-9, 0.5), high.clamp(1e-9, 0.5)
    least, most = torch.special.ndtri(low), -torch.special.ndtri(high)
    below, above = (torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi) for x in (least, most))
    mean = least * low + below - above + most * high
    within = 1 - low - high + least * below - most * above
    square = least.square() * low + within + most.square() * high
    variance: Tensor = square - mean.square()
    return variance
