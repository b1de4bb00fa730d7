"""Masking, random impulses and defective pixels."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from restorekit.noise.impulse import DefectivePixels, RandomImpulse
from restorekit.noise.masking import Masking
from tests.noise.correlations import flat, seeded


def binomial_bounds(count: int, chance: float) -> tuple[float, float]:
    """Where the share of hits lies with a probability of 99.99 %."""
    low, high = stats.binom(count, chance).interval(0.9999)
    return low / count, high / count


@pytest.mark.parametrize("per_channel", [False, True])
def test_random_impulses_replace_their_share_by_uniform_values(per_channel) -> None:
    """Other pixels stay; channels are hit together unless it is said otherwise."""
    clean = flat(0.5, samples=4)
    noisy = RandomImpulse(0.2, per_channel)(clean, seeded()).noisy
    is_hit = noisy != clean
    low, high = binomial_bounds(4 * 96 * 96, 0.2)
    assert low < float(is_hit[:, 0].float().mean()) < high
    assert torch.equal(is_hit[:, 0], is_hit[:, 1]) is not per_channel
    assert stats.kstest(noisy[is_hit].numpy(), stats.uniform(0, 1).cdf).pvalue > 1e-3


def test_hot_and_dead_pixels_have_their_shares_and_values() -> None:
    """A hot pixel is brighter by at least the smallest offset, or white; a dead one is black."""
    clean = flat(0.4, samples=4)
    noisy = DefectivePixels(hot=0.05, dead=0.02, offset=(0.3, 1.0))(clean, seeded()).noisy
    dead, hot = noisy == 0, noisy > 0.4
    for found, share in ((dead, 0.02), (hot, 0.05)):
        low, high = binomial_bounds(clean.numel(), share)
        assert low < float(found.float().mean()) < high
    assert (noisy[~dead & ~hot] == clean[~dead & ~hot]).all()
    assert noisy[hot].min() >= 0.7 - 1e-6
    below = noisy[hot & (noisy < 1)].numpy()
    assert stats.kstest(below, stats.uniform(0.7, 0.3).cdf).pvalue > 1e-3


@pytest.mark.parametrize("cell", [1, 4, 7])
def test_masked_cells_are_whole_and_have_their_share(cell) -> None:
    """In all channels at once; the other pixels stay."""
    clean = torch.rand(32, 3, 50, 44, generator=seeded(1)) * 0.9 + 0.05
    noisy = Masking(0.3, cell, value=1.0)(clean, seeded()).noisy
    is_hidden = (noisy == 1).all(1)
    assert torch.equal(is_hidden[:, None].expand_as(noisy), noisy != clean)
    cells = is_hidden[:, ::cell, ::cell]
    low, high = binomial_bounds(cells.numel(), 0.3)
    assert low < float(cells.float().mean()) < high
    whole = cells.repeat_interleave(cell, 1).repeat_interleave(cell, 2)[:, :50, :44]
    assert torch.equal(whole, is_hidden)


def test_each_sample_draws_its_own_share() -> None:
    """The measured shares cover the range evenly."""
    hidden = Masking((0.2, 0.8))(flat(0.5, 1, 500, 32), seeded()).noisy == 0
    shares = hidden.float().mean((1, 2, 3)).numpy()
    assert stats.kstest(shares, stats.uniform(0.2, 0.6).cdf).pvalue > 1e-3


def test_wrong_arguments_are_refused() -> None:
    """The message says the limits."""
    with pytest.raises(ValueError, match="cell must be at least 1 pixel, not 0"):
        Masking(cell=0)
    with pytest.raises(ValueError, match="hot must be between 0 and 1"):
        DefectivePixels(hot=2)
