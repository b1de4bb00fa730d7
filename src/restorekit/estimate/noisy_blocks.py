"""Blocks of 8x8 pixels from which noise is measured, with and without clipped pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.cosine_transform import SIDE, blocks_of, dct_of_blocks, spread_step
from restorekit.mirroring import continued

LEAST_BLOCKS = 40
# Blocks with a larger share of saturated pixels around them are not used if a quarter has less.
_SATURATED = 0.1
# Otherwise those with less may be the letters on paper whose white is that of the file. Half of the
# noise of such paper is clipped, and with rounding 0.7 of noise of 1 of 255.
MOST_SATURATED = 0.75
_LEAST_KEPT = 0.1  # of the variance: with less, hardly a pixel between the limits is left


class UsableBlocks(NamedTuple):
    """The blocks that are measured.

    Attributes:
        power: squared DCT coefficients, (n, 64), as if no pixel were clipped.
        brightness: the first coefficient, (n,).
        weight: factor of the energy of each block when the calmest ones are chosen, (n,). With it,
            a block is not chosen because fewer of its pixels are clipped than of those around it.
    """

    power: Tensor
    brightness: Tensor
    weight: Tensor


class Blocks(NamedTuple):
    """The blocks of one channel, spread evenly.

    Attributes:
        coefficients: DCT coefficients of each block, (N, 64).
        varied: whether each block is not constant, (N,).
        low: share of the pixels of each block that are 0 and may have been clipped, (N,).
        high: share of the pixels of each block that are 1 and may have been clipped, (N,).
        low_around: the same as `low` for the nine blocks of which each block is the middle, (N,).
        high_around: the same for `high`, (N,).
    """

    coefficients: Tensor
    varied: Tensor
    low: Tensor
    high: Tensor
    low_around: Tensor
    high_around: Tensor

    @classmethod
    def of(cls, plane: Tensor, count: int) -> Blocks:
        """About `count` blocks of a plane (H, W)."""
        plane = continued(continued(plane, 0, SIDE), 1, SIDE)
        step = spread_step(plane[None], count)
        blocks = blocks_of(plane[None], step)
        varied = blocks.amax(1) > blocks.amin(1)
        coefficients, none = dct_of_blocks(blocks), torch.zeros(len(blocks), device=plane.device)
        lowest, highest = plane.aminmax()
        if lowest < 0 or highest > 1 or (lowest > 0 and highest < 1):
            return cls(coefficients, varied, none, none, none, none)
        around = [shares_around(plane[None] == value, step) for value in (0, 1)]
        low, high = ((blocks == value).float().mean(1) for value in (0, 1))
        return cls(coefficients, varied, low, high, *around)

    @property
    def are_drawn(self) -> bool:
        """Whether most blocks are constant, for example in a drawing or a saturated sky."""
        return 2 * int(self.varied.sum()) < len(self.varied)

    def usable(self) -> UsableBlocks:
        """Without constant blocks, and without saturated ones if there are enough others."""
        coefficients = self.coefficients[self.varied]
        low, high = self.low[self.varied], self.high[self.varied]
        low_around, high_around = self.low_around[self.varied], self.high_around[self.varied]
        if not bool((low_around + high_around).any()):
            return UsableBlocks(coefficients.square(), coefficients[:, 0], torch.ones_like(low))
        around = low_around + high_around
        quarter = around.kthvalue(min(len(low), max(LEAST_BLOCKS, len(low) // 4))).values
        limit = quarter.clamp_min(_SATURATED if quarter <= _SATURATED else MOST_SATURATED)
        usable = around <= limit
        kept = clipped_variance(low, high)
        # Blocks of which few pixels are clipped by chance have little noise by chance: choosing
        # them would bias the estimate downwards. What is around them is not of this chance.
        weight = kept / clipped_variance(low_around, high_around)
        power = coefficients.square() / kept[:, None]
        return UsableBlocks(power[usable], coefficients[usable, 0], weight[usable])

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


def shares_around(found: Tensor, step: int) -> Tensor:
    """The share of pixels that are found in the nine blocks of which each block is the middle.

    Args:
        found: (N, H, W), from 0 to 1.
        step: distance of the blocks, as for `blocks_of`.
    """
    planes = found.float()[:, None]
    return functional.avg_pool2d(planes, 3 * SIDE, step, SIDE, count_include_pad=False).flatten()


def clipped_variance(low: Tensor, high: Tensor) -> Tensor:
    """Variance of a standard normal variable after clipping.

    Args:
        low: Probability of lying below the lower limit; values above 0.5 count as 0.5.
        high: The same for the upper limit.

    Returns:
        The variance of what is clipped to the limits, at least 0.1; 1 for probabilities of 0.
    """
    low, high = low.clamp(1e-9, 0.5), high.clamp(1e-9, 0.5)
    least, most = torch.special.ndtri(low), -torch.special.ndtri(high)
    below, above = (torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi) for x in (least, most))
    mean = least * low + below - above + most * high
    within = 1 - low - high + least * below - most * above
    square = least.square() * low + within + most.square() * high
    variance: Tensor = square - mean.square()
    return variance.clamp_min(_LEAST_KEPT)
