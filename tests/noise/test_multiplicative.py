"""Multiplicative noise against its distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise

from restorekit.noise.gamma_numbers import gamma_numbers
from restorekit.noise.multiplicative import Gamma, Speckle
from tests.noise.correlations import flat, seeded


@pytest.mark.parametrize("shape", [1.0, 1.5, 4.0, 30.0, 5000.0])
def test_gamma_numbers_have_their_distribution(shape: float) -> None:
    """Kolmogorov-Smirnov against scipy's distribution, for a number that is not a whole chunk."""
    made = gamma_numbers(torch.full((150_000,), shape), seeded()).numpy()
    assert stats.kstest(made, stats.gamma(shape).cdf).pvalue > 1e-3
    assert made.min() > 0


@pytest.mark.parametrize("looks", [1.0, 3.0, 16.0])
def test_gamma_noise_has_its_distribution(looks: float) -> None:
    """The mean is the clean value and the relative variance 1 / looks."""
    degraded = Gamma(looks)(flat(0.4, samples=4), seeded())
    ratio = (degraded.noisy / 0.4).flatten().double().numpy()
    assert stats.kstest(ratio, stats.gamma(looks, scale=1 / looks).cdf).pvalue > 1e-3
    assert ratio.mean() == pytest.approx(1, abs=4 / math.sqrt(looks * ratio.size))
    torch.testing.assert_close(degraded.sigma, torch.full((4, 1, 1, 1), 0.4 / math.sqrt(looks)))


def test_speckle_has_its_distribution() -> None:
    """Kolmogorov-Smirnov against the normal distribution, and against scikit-image."""
    degraded = Speckle(0.2)(flat(0.5, samples=4), seeded())
    noisy = degraded.noisy.flatten().numpy()
    assert stats.kstest(noisy, stats.norm(0.5, 0.1).cdf).pvalue > 1e-3
    other = random_noise(np.full((200, 200), 0.5), "speckle", rng=0, clip=False, var=0.04)
    assert stats.ks_2samp(noisy, other.ravel()).pvalue > 1e-3
    torch.testing.assert_close(degraded.sigma, torch.full((4, 1, 1, 1), 0.1))


@pytest.mark.parametrize("make", [lambda: Speckle(0.3, True), lambda: Gamma(5.0, True)])
def test_the_map_of_sigma_is_that_of_each_pixel(make) -> None:
    """The standard deviation of each pixel over many samples."""
    clean = torch.rand(1, 3, 4, 4, generator=seeded(3)).expand(20_000, 3, 4, 4)
    degraded = make()(clean, seeded())
    measured = (degraded.noisy - clean).square().mean((0, 1)).sqrt()
    torch.testing.assert_close(measured, degraded.sigma[0, 0], rtol=0.04, atol=0)


@pytest.mark.parametrize("noise", [Speckle((0.0, 0.5)), Gamma((1.0, 64.0))])
def test_each_sample_draws_its_own_parameter(noise) -> None:
    """The measured noise of a sample is that of its sigma; black stays black."""
    clean = flat(0.5, samples=32)
    clean[:, :, :8] = 0
    degraded = noise(clean, seeded())
    measured = (degraded.noisy - clean).flatten(1).square().mean(1).sqrt()
    torch.testing.assert_close(measured, degraded.sigma.flatten(), rtol=0.05, atol=1e-3)
    assert (degraded.noisy[:, :, :8] == 0).all()


def test_wrong_arguments_are_refused() -> None:
    """The message says the limits."""
    with pytest.raises(ValueError, match="looks must be between 1 and 10000"):
        Gamma(0.5)
    with pytest.raises(ValueError, match="std must be between 0 and 1, relative"):
        Speckle(2.0)
