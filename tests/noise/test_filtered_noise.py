"""Noise after smoothing and sharpening, compared with theory and with scipy's filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorekit.noise.filtered_noise import Coarse, Sharpened, Smoothed
from tests.noise.correlations import correlation, correlation_of_blurred, flat, seeded

WHITE = {"name": "gaussian", "std": 0.05}


@pytest.mark.parametrize("radius", [0.0, 1.0, 2.0, 4.0])
def test_coarse_noise_is_as_strong_as_before(radius):
    """Up to the border, and sigma is that of the noise within."""
    degraded = Coarse(WHITE, radius)(flat(0.5, samples=60), seeded())
    noise = degraded.noisy - 0.5
    assert noise.std().item() == pytest.approx(0.05, rel=0.02)
    assert noise[..., 0].std().item() == pytest.approx(0.05, rel=0.1)
    assert degraded.sigma.flatten().tolist() == pytest.approx([0.05] * 60)


@pytest.mark.parametrize("radius", [1.0, 2.0, 4.0])
def test_coarse_noise_has_the_correlation_of_its_window(radius):
    noise = Coarse(WHITE, radius)(flat(0.5, samples=60), seeded()).noisy
    for lag in (1, 3):
        expected = correlation_of_blurred(radius, lag)
        assert correlation(noise, lag) == pytest.approx(expected, abs=0.04)
        assert correlation(noise.mT, lag) == pytest.approx(expected, abs=0.04)


def test_a_share_of_the_samples_is_filtered():
    noise = Coarse(WHITE, 2.0, share=0.3)(flat(0.5, samples=100, side=32), seeded()).noisy
    coarse = sum(correlation(sample) > 0.5 for sample in noise)
    assert 15 < coarse < 45


@pytest.mark.parametrize("amount", [0.5, 1.2])
def test_sharpened_noise_is_that_of_an_unsharp_mask(amount):
    """Standard deviation and correlation, against scipy's Gaussian filter."""
    white = np.random.default_rng(0).normal(0, 0.05, (512, 512))
    sharp = white + amount * (white - ndimage.gaussian_filter(white, 0.8, truncate=4))
    noise = Sharpened(WHITE, amount, 0.8)(flat(0.5), seeded()).noisy - 0.5
    assert noise.std().item() == pytest.approx(sharp.std(), rel=0.02)
    expected = correlation(torch.from_numpy(sharp))
    assert expected < -0.05
    assert correlation(noise) == pytest.approx(expected, abs=0.02)


def test_smoothing_removes_fine_noise_in_flat_areas_alone():
    """In the flat half, a tenth of the fine noise is left; in the checkerboard half, most."""
    clean = flat(0.5, samples=20, side=64).clone()
    clean[..., ::2, 32:] = 0.2
    noise = Smoothed(WHITE, 2.0, 0.02)(clean, seeded()).noisy - clean
    is_flat, is_textured = noise[..., :20], noise[..., 44:]
    assert is_textured.std() > 0.8 * 0.05
    # Fine noise is what is left of the noise without its blurred copy.
    white = np.random.default_rng(0).normal(0, 0.05, (512, 512))
    coarse = ndimage.gaussian_filter(white, 2.0)
    expected = (coarse + 0.1 * (white - coarse)).std()
    assert is_flat.std().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("noise", [Coarse, Sharpened, Smoothed])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 3)])
def test_tiny_pictures(noise, size):
    degraded = noise("camera", clip=True)(torch.rand(2, 3, *size, generator=seeded()), seeded())
    assert degraded.noisy.shape == (2, 3, *size)
    assert degraded.noisy.isfinite().all()
    assert 0 <= degraded.noisy.min() <= degraded.noisy.max() <= 1


def test_maps_of_sigma_keep_the_size_of_the_picture():
    """A noise whose level differs from pixel to pixel."""
    mixed = {
        "name": "one_of",
        "noises": [WHITE, {"name": "gaussian", "std": 0.1}],
    }
    sigma = Coarse(mixed, 1.0)(flat(0.5, samples=8, side=20), seeded()).sigma
    assert sigma.expand(8, 1, 20, 20).isfinite().all()
