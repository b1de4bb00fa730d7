"""Blocks of paper whose white is that of the file, so that a part of its noise is clipped.

On a noisy page, hardly any block has no saturated pixels but those full of letters. The noise is
measured in the paper instead, and divided by the share of its variance that clipping leaves. Black
background is treated in the same way.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from restorekit.estimate.clipped_tail import tail_ratio
from restorekit.estimate.cosine_transform import (
    SIDE,
    blocks_of,
    dct_of_blocks,
    order_of_coefficients,
    spread_step,
)
from restorekit.estimate.image_sample import ImageSample, once_for_sample
from restorekit.estimate.neighbours import neighbour_correlations
from restorekit.estimate.noisy_blocks import MOST_SATURATED, clipped_variance, shares_around

# The share of the blocks of paper that are measured. The flattest blocks of noise that is clipped
# have little of it by chance, and the fewer are chosen, the less.
PAPER_SHARE = 0.1
_BLOCKS = 16384  # largest number of blocks that are examined
# Noise is clipped if a larger share of the pixels is saturated. At least 0.8 of the blocks of noisy
# pages have such noise, and at most 0.55 of those of noisy photographs with black or white areas.
_CLIPPED, _MOST_BLOCKS = 0.02, 0.65
# Noise that is clipped at random has at most this correlation of saturated neighbours, letters
# included. Highlights of a photograph and coarse noise have more.
_INDEPENDENT = 0.4
# Tail ratio that a tenth of the blocks have less of: 0.66 to 1.00 for noise from 1 to 30 of 255
# between letters of 7 to 28 pixels. Dots on white have at most 0.61, and up to 2.8 with noise.
_WITHOUT_LETTERS, _TAIL_OF_BLOCKS = 0.1, (0.63, 1.01)
# The middle half of the blocks of paper, and its channels on average, differ by at most these
# shares of saturated pixels.
_MOST_UNLIKE, _OF_CHANNELS = 0.25, 0.1


class WhitePaper(NamedTuple):
    """The blocks of a page.

    Attributes:
        is_measured: whether enough of the noise of each block is left, (n,).
        kept: the share of its variance that is left, (n,).
        step: distance of the blocks, as for `blocks_of`.
    """

    is_measured: Tensor
    kept: Tensor
    step: int

    def levels(self, planes: Tensor, rounding: float = 0.0) -> list[float]:
        """The level of the noise of each plane before it was clipped.

        Args:
            planes: (P, N, h, w), channels of the sample or sums of them.
            rounding: variance of the rounding of the picture.
        """
        return [math.sqrt(max(0.0, self._variance(plane) - rounding)) for plane in planes]

    def _variance(self, plane: Tensor) -> float:
        """The mean in the high frequencies of the blocks with the weakest low frequencies."""
        blocks = blocks_of(plane, self.step)[self.is_measured]
        power = dct_of_blocks(blocks).square() / self.kept[self.is_measured, None]
        order = order_of_coefficients(power.device)
        energy = power[:, (order > 0) & (order < 9)].sum(1)
        calm = energy.topk(max(1, int(PAPER_SHARE * len(power))), largest=False).indices
        return float(power[calm][:, order >= 9].mean())


@once_for_sample
def white_paper(sample: ImageSample) -> WhitePaper | None:
    """The blocks of a sample; None if it is not mostly paper with noise that is clipped at random.

    The same share must be clipped in all channels.
    """
    pieces = sample.pieces
    if not is_clipped_at_random(pieces):
        return None
    low, high = ((pieces == value).float() for value in (0, 1))
    channels = (low + high).mean((0, 2, 3))
    if float(channels.amax() - channels.amin()) > _OF_CHANNELS:
        return None
    step = spread_step(pieces[:, 0], _BLOCKS)
    # Around each block, because its noise varies with the pixels that are clipped by chance.
    around = [
        torch.stack([shares_around(each, step) for each in found.unbind(1)]).amax(0)
        for found in (low, high)
    ]
    saturated = around[0] + around[1]
    paper = saturated[(saturated > _CLIPPED) & (saturated <= MOST_SATURATED)]
    if 2 * len(paper) < len(saturated):
        return None
    if float(paper.quantile(0.75) - paper.quantile(0.25)) > _MOST_UNLIKE:
        return None
    return WhitePaper(saturated <= MOST_SATURATED, clipped_variance(*around), step)


def is_clipped_at_random(pieces: Tensor) -> bool:
    """Whether most blocks have noise that is clipped, independently of its neighbours.

    Args:
        pieces: (N, C, h, w), floats on the [0, 1] scale. If values lie outside, none is clipped.
    """
    if min(pieces.shape[-2:]) < SIDE or bool(((pieces < 0) | (pieces > 1)).any()):
        return False
    planes = pieces.flatten(0, 1)
    blocks = blocks_of(planes, spread_step(planes, _BLOCKS))
    saturated = ((blocks == 0) | (blocks == 1)).float()
    shares = saturated.mean(1)
    mixed = (shares > _CLIPPED) & (shares < 1 - _CLIPPED)
    if float(mixed.float().mean()) < _MOST_BLOCKS:
        return False
    if float(neighbour_correlations(saturated[mixed]).amax(0).median()) >= _INDEPENDENT:
        return False
    # Most blocks of a page have letters, which raise the ratio.
    without_letters = float(tail_ratio(blocks[mixed]).quantile(_WITHOUT_LETTERS))
    return _TAIL_OF_BLOCKS[0] < without_letters < _TAIL_OF_BLOCKS[1]
