"""The correlation of neighbouring pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.estimate.neighbours import neighbour_correlations, pooled_correlation


def _blocks(planes: Tensor) -> Tensor:
    return planes.unfold(1, 8, 8).unfold(2, 8, 8).reshape(-1, 64)


def _normal(side: int = 512) -> Tensor:
    return torch.randn(1, side, side, generator=torch.Generator().manual_seed(0))


def test_white_noise_has_none() -> None:
    """Each block has some by chance, and all together hardly any."""
    blocks = _blocks(_normal())
    assert pooled_correlation(blocks) < 0.03
    assert neighbour_correlations(blocks).shape == (2, len(blocks))


def test_the_larger_axis_counts() -> None:
    """The mean of two rows has a correlation of 1/2 vertically."""
    noise = _normal(513)
    rows = (noise[:, 1:, 1:] + noise[:, :-1, 1:]) / 2
    for planes in (rows, rows.transpose(1, 2)):
        # The mean of each block is subtracted, which takes a little.
        assert 0.42 < pooled_correlation(_blocks(planes)) < 0.5
        assert abs(float(neighbour_correlations(_blocks(planes)).amax(0).median()) - 0.46) < 0.06


def test_signs_do_not_cancel() -> None:
    """Lines of one pixel have -1 across them and 1 along them."""
    lines = (torch.arange(64) % 2).float().expand(1, 64, 64)
    assert torch.allclose(neighbour_correlations(_blocks(lines)), torch.ones(2, 64))
    assert abs(pooled_correlation(_blocks(lines)) - 1) < 1e-5


def test_constant_blocks_have_none_together() -> None:
    """Nothing is divided by zero."""
    assert pooled_correlation(torch.ones(3, 64)) == 0
