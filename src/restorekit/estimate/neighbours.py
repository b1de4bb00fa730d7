"""Correlation of neighbouring pixels in blocks of 8x8."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.estimate.cosine_transform import SIDE


def neighbour_correlations(blocks: Tensor) -> Tensor:
    """The correlation of vertical and of horizontal neighbours in each block.

    Args:
        blocks: (n, 64), not constant; the mean of each is subtracted.

    Returns:
        (2, n), without the signs: lines of one pixel have -1 across them and 1 along them.
    """
    return _products(blocks).abs() / blocks.var(1, correction=0)


def pooled_correlation(blocks: Tensor) -> float:
    """The larger one of the two correlations, of all blocks (n, 64) together."""
    variance = blocks.var(1, correction=0).mean().clamp_min(1e-12)
    return float((_products(blocks).mean(1).abs() / variance).amax())


def _products(blocks: Tensor) -> Tensor:
    """Mean products of vertical and of horizontal neighbours, (2, n)."""
    squares = (blocks - blocks.mean(1, keepdim=True)).unflatten(1, (SIDE, SIDE))
    below = (squares[:, 1:] * squares[:, :-1]).mean((1, 2))
    across = (squares[..., 1:] * squares[..., :-1]).mean((1, 2))
    return torch.stack([below, across])
