"""The level of white noise in each channel of a sample."""

from __future__ import annotations

import math

import torch

from restorekit.estimate.block_dct import BlockDCT
from restorekit.estimate.image_sample import ImageSample, once_for_sample
from restorekit.estimate.white_paper import PAPER_SHARE, white_paper

_SHARE, _BLOCKS = 0.01, 16_384
# The share of the blocks of a gray picture that is measured if noise is weak, and how many there
# are. Texture hides weak noise in most blocks.
_WEAK_SHARE, _WEAK_BLOCKS = 0.005, 32_768
_MOST = 1.3  # on white paper, relative to the calmest blocks, whose level is about 10 % too low
_WHITE = 1.3  # largest ratio of middle to high frequencies; that of blurred noise is 1.4 or more


@once_for_sample
def white_levels(sample: ImageSample) -> tuple[float, ...]:
    """Standard deviations on the [0, 1] scale, without that of rounding, from "block_dct".

    On white paper, more blocks are measured than otherwise, and the result is bounded by the level
    of the blocks with the least noise: a drawing may have lines in all of the others.
    """
    # The pieces are joined, because the estimator works on one picture. Seams do not matter,
    # because it uses flat blocks.
    pixels = torch.cat(tuple(sample.pieces), -1)[None]
    paper = white_paper(sample)
    share = _SHARE if paper is None else PAPER_SHARE
    variances = BlockDCT(share, blocks=_BLOCKS)(pixels)[0].double().square() - sample.rounding
    levels = tuple(variances.clamp_min(0).sqrt().tolist())
    if paper is None:
        return levels
    of_paper = paper.levels(sample.pieces.transpose(0, 1), sample.rounding)
    return tuple(min(level, _MOST * least) for level, least in zip(levels, of_paper, strict=True))


def weak_gray_level(sample: ImageSample) -> float | None:
    """The level of weak white noise in a gray picture, in its flattest blocks of any brightness.

    The estimator "block_dct" takes the mean over the brightness levels, some of which may have
    texture only.

    Returns:
        None if the noise of these blocks is not white or hardly more than that of rounding.
    """
    estimator = BlockDCT(share=_WEAK_SHARE, levels=1, blocks=_WEAK_BLOCKS)
    pixels = torch.cat(tuple(sample.pieces), -1)[None]
    level, ratio = float(estimator(pixels)), float(estimator.ratios(pixels))
    if ratio > _WHITE or level**2 < 4 * sample.rounding:
        return None
    return math.sqrt(level**2 - sample.rounding)
