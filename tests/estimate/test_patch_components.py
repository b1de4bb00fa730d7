"""The level of weak white noise in colour pictures, from the principal components of patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from restorekit import create_measurement
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.patch_components import weak_noise

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")


def halved(name: str) -> np.ndarray:
    """A photograph at half of its size, which has hardly any noise of its own."""
    image = getattr(data, name)()[:300, :400].astype(float)
    return np.asarray(image.reshape(150, 2, 200, 2, 3).mean((1, 3)))


def sample(image: np.ndarray) -> ImageSample:
    """An image in 8-bit levels, rounded and clipped."""
    levels = np.clip(np.rint(image), 0, 255)
    return ImageSample.of(torch.from_numpy(levels).movedim(2, 0).float() / 255, 255)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("sigma", [2, 3, 5])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_level_over_photographs(name: str, sigma: float) -> None:
    """It is within 12 % in each channel, also where texture is stronger than the noise."""
    clean = halved(name)
    found = weak_noise(sample(clean + sigma * normal(*clean.shape)))
    assert found is not None
    assert 255 * np.array(found.levels) == pytest.approx([sigma] * 3, rel=0.12)


def test_each_channel_has_its_level() -> None:
    """On a flat picture, without the variance of rounding."""
    found = weak_noise(sample(128 + normal(160, 160, 3) * [2.0, 2.2, 2.4]))
    assert found is not None
    assert list(found.levels) == sorted(found.levels)
    assert 255 * np.array(found.levels) == pytest.approx([2.0, 2.2, 2.4], rel=0.1)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_blurred_noise_is_not_white(name: str) -> None:
    """It is not flat, or only the small part of it that is white is found."""
    clean = halved(name)
    noise = 3 * normal(*clean.shape)
    blurred = gaussian_filter(noise, (0.6, 0.6, 0))
    white, coarse = weak_noise(sample(clean + noise)), weak_noise(sample(clean + blurred))
    assert white is not None
    assert coarse is not None
    assert white.flatness > 0.7
    assert coarse.flatness < 0.65 or 255 * max(coarse.levels) < 0.7 * blurred.std()


def test_pictures_without_enough_colour_patches() -> None:
    """Gray, tiny and clipped pictures."""
    assert weak_noise(ImageSample.of(torch.rand(1, 64, 64))) is None
    assert weak_noise(ImageSample.of(torch.rand(3, 5, 64))) is None
    assert weak_noise(ImageSample.of(torch.rand(3, 30, 30))) is None
    assert weak_noise(ImageSample.of(torch.ones(3, 160, 160))) is None


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_channel(value: float) -> None:
    """As of a micrograph with two stains: it is left to other measurements, and none fails."""
    picture = torch.from_numpy(halved("chelsea") + normal(*halved("chelsea").shape))
    picture = picture.movedim(-1, 0).float().clamp(0, 255) / 255
    picture[2] = value
    assert weak_noise(ImageSample.of(picture, 255)) is None
    found = create_measurement("noise_scales")(ImageSample.of(picture, 255))
    assert all(np.isfinite(found.overall))


def test_noise_scales_has_this_level() -> None:
    """It halves with each scale."""
    clean = halved("chelsea")
    found = create_measurement("noise_scales")(sample(clean + 2 * normal(*clean.shape)))
    levels = 255 * np.array(found.channels)
    assert levels[:, 0] == pytest.approx([2.0] * 3, rel=0.12)
    assert levels[:, 1] == pytest.approx(levels[:, 0] / 2)
