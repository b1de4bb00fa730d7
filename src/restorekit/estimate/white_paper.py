"""Blocks of paper whose white is that of the file, so that a part of its noise is clipped.

On a noisy page, hardly any block has no saturated pixels but those full of letters. The noise is
measured in the paper instead, and divided by the share of its variance that clipping leaves.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from restorekit.estimate.cosine_transform import SIDE, blocks_of, spread_step
from restorekit.estimate.noisy_blocks import MOST_SATURATED, clipped_variance, shares_around

_BLOCKS = 16384  # largest number of blocks that are examined
_CLIPPED = 0.02  # noise is clipped if a larger share of the pixels is saturated
# Noise that is clipped at random has at most this correlation of saturated neighbours, letters
# included. Highlights of a photograph and coarse noise have more.
_INDEPENDENT = 0.4
# The middle half of the blocks of paper differ by at most this share of saturated pixels.
_MOST_UNLIKE = 0.15


class WhitePaper(NamedTuple):
    """The blocks of a page.

    Attributes:
        is_measured: whether enough of the noise of each block is left, (n,).
        kept: the share of its variance that is left, (n,).
    """

    is_measured: Tensor
    kept: Tensor

    @classmethod
    def of(cls, low: Tensor, high: Tensor, step: int) -> WhitePaper | None:
        """The blocks of pieces of a picture; None if less than half of them are paper.

        Args:
            low: the share of black in each pixel, (N, C, h, w).
            high: that of white.
            step: distance of the blocks, as for `blocks_of`.
        """
        # Around each block, because its noise varies with the pixels that are clipped by chance.
        low_around, high_around = (_most_around(found, step) for found in (low, high))
        saturated = low_around + high_around
        paper = saturated[(saturated > _CLIPPED) & (saturated <= MOST_SATURATED)]
        if 2 * len(paper) < len(saturated):
            return None
        if float(paper.quantile(0.75) - paper.quantile(0.25)) > _MOST_UNLIKE:
            return None
        return cls(saturated <= MOST_SATURATED, clipped_variance(low_around, high_around))


def is_clipped_at_random(pieces: Tensor) -> bool:
    """Whether most saturated pixels are saturated independently of their neighbours.

    Args:
        pieces: (N, C, h, w), floats on the [0, 1] scale. If values lie outside, none is clipped.
    """
    if min(pieces.shape[-2:]) < SIDE or bool(((pieces < 0) | (pieces > 1)).any()):
        return False
    saturated = ((pieces == 0) | (pieces == 1)).any(1).float()
    blocks = blocks_of(saturated, spread_step(saturated, _BLOCKS))
    shares = blocks.mean(1)
    mixed = blocks[(shares > _CLIPPED) & (shares < 1 - _CLIPPED)]
    if not len(mixed):
        return False
    squares = (mixed - mixed.mean(1, keepdim=True)).unflatten(1, (SIDE, SIDE))
    below = (squares[:, 1:] * squares[:, :-1]).mean((1, 2))
    across = (squares[..., 1:] * squares[..., :-1]).mean((1, 2))
    correlation = (below + across) / 2 / squares.square().mean((1, 2))
    return float(correlation.median()) < _INDEPENDENT


def _most_around(found: Tensor, step: int) -> Tensor:
    """The share of pixels found around each block, of the channel in which it is largest."""
    channels = [shares_around(each, step) for each in found.unbind(1)]
    return torch.stack(channels).amax(0)
