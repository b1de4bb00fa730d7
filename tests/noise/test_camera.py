"""Camera noise, compared with its physical model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from restorekit.components.kinds import noises
from restorekit.errors import ArgumentError, InputError
from restorekit.noise.camera import Camera

GAMMA = 2.2


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear_noise(
    camera: Camera, value: float, channels: int = 1, samples: int = 8, side: int = 96
) -> torch.Tensor:
    """The noise in linear light of a flat picture of that value."""
    clean = torch.full((samples, channels, side, side), value)
    noisy = camera(clean, seeded()).noisy
    return noisy.double() ** GAMMA - value**GAMMA


@pytest.mark.parametrize("value", [0.5, 0.7, 0.85])
def test_variance_is_shot_times_light_plus_read(value):
    """Without smoothing, the variance of gray in linear light is that of arXiv:1811.11127."""
    shot = 1e-3
    noise = linear_noise(Camera(shot, smooth=0.0), value)
    read = math.exp(2.18 * math.log(shot) + 1.20)  # a tenth of a percent of it: its spread is moot
    assert noise.var().item() == pytest.approx(shot * value**GAMMA + read, rel=0.05)
    assert noise.mean().abs().item() < 0.05 * noise.std().item()


def test_brighter_light_is_noisier_in_linear_and_the_shadows_in_the_picture():
    """Shot noise grows with light; the gamma curve reverses that."""
    camera = Camera(1e-3, smooth=0.0)
    dark, bright = linear_noise(camera, 0.3), linear_noise(camera, 0.8)
    assert bright.std() > 2 * dark.std()
    clean = torch.tensor([0.3, 0.8]).view(2, 1, 1, 1).expand(2, 1, 96, 96)
    in_picture = (camera(clean, seeded()).noisy - clean).std((1, 2, 3))
    assert in_picture[0] > in_picture[1]


def test_demosaicing_correlates_neighbours():
    """Bilinear green at a red or blue site is the mean of its four neighbours: correlation 0.25+.

    Gray noise, which no mosaic has touched, is white.
    """
    plain = Camera(1e-3, smooth=0.0, gain=1.0, mixing=0.0)
    assert abs(neighbours(linear_noise(plain, 0.6, 1))) < 0.02
    # At a green site the variance is v, at another v / 4; the pair shares a quarter of the green
    # one's noise, so the correlation over all neighbouring pairs is (v / 4) / (5 v / 8) = 0.4.
    assert neighbours(linear_noise(plain, 0.6, 3)[:, 1:2]) == pytest.approx(0.4, abs=0.02)


def neighbours(noise: torch.Tensor) -> float:
    """Correlation of horizontal neighbours."""
    left, right = noise[..., :-1].flatten(), noise[..., 1:].flatten()
    return float(torch.corrcoef(torch.stack([left, right]))[0, 1])


def test_smoothing_correlates_and_weakens():
    """A normal window of standard deviation 0.8 leaves about 1 / (4 pi 0.8^2) of the variance."""
    rough = linear_noise(Camera(1e-3, smooth=0.0), 0.6)
    smooth = linear_noise(Camera(1e-3, smooth=0.8), 0.6)
    assert (smooth.var() / rough.var()).item() == pytest.approx(1 / (4 * math.pi * 0.64), rel=0.1)
    assert neighbours(smooth) > 0.5


@pytest.mark.parametrize("light", [0.05, 0.3])
def test_white_balance_amplifies_as_it_does_photons(light):
    """Photons of red light are counted, fewer by the gain, and the counts are multiplied by it."""
    shot, most, samples = 2e-3, 2.4, 300
    noise = linear_noise(
        Camera(shot, smooth=0.0, gain=most, mixing=0.0, demosaicing="none"),
        light ** (1 / GAMMA),
        3,
        samples,
        32,
    )
    rng = np.random.default_rng(0)
    gains = rng.uniform(1, most, (samples, 1))
    counts = rng.poisson(light / gains / shot, (samples, 1024))
    # Brooks et al.: the logarithm of the read noise has a standard deviation of 0.26.
    read = np.exp(2.18 * math.log(shot) + 1.20 + 0.26 * rng.standard_normal((samples, 1)))
    raw = counts * shot + rng.standard_normal(counts.shape) * np.sqrt(read)
    expected = (raw * gains).var(1).mean()
    for channel in (0, 2):
        assert noise[:, channel].var((1, 2)).mean().item() == pytest.approx(expected, rel=0.05)
    assert noise[:, 1].var().item() == pytest.approx(shot * light + read.mean(), rel=0.05)


def test_gamma_of_1_is_noise_in_proportion_to_the_picture():
    """Without a gamma curve, values are light: twice as bright, twice the variance."""
    clean = torch.tensor([0.2, 0.4]).view(2, 1, 1, 1).expand(2, 1, 96, 96)
    noise = Camera(1e-3, smooth=0.0, gamma=1)(clean, seeded()).noisy - clean
    expected = torch.tensor([0.2, 0.4]) * 1e-3
    torch.testing.assert_close(noise.var((1, 2, 3)), expected, rtol=0.05, atol=0)


def test_a_dim_picture_is_amplified_with_its_noise():
    """The noise is that of the dim picture, divided by the exposure."""
    dim = torch.full((8, 1, 96, 96), 0.1)
    noise = Camera(1e-3, smooth=0.0, gamma=1)(dim, seeded()).noisy - dim
    camera = Camera(1e-3, smooth=0.0, gamma=1, exposure=0.25)
    amplified = camera(dim / 0.25, seeded()).noisy - dim / 0.25
    assert (amplified.std() / noise.std()).item() == pytest.approx(4, rel=0.02)


def test_a_gray_picture_of_a_colour_sensor_has_correlated_noise():
    """It is the luma of demosaiced noise, where that of a gray sensor is white."""
    assert abs(neighbours(linear_noise(Camera(1e-3, smooth=0.0), 0.6))) < 0.02
    assert neighbours(linear_noise(Camera(1e-3, smooth=0.0, gray_sensor=0.0), 0.6)) > 0.3
    mixed = linear_noise(Camera(1e-3, smooth=0.0, gray_sensor=0.5), 0.6, samples=60)
    correlated = sum(neighbours(sample) > 0.15 for sample in mixed)
    assert 15 < correlated < 45


def test_each_sample_draws_its_demosaicing():
    """The noise of a sample is white or correlated, as often as the weights say."""
    camera = Camera(1e-3, smooth=0.0, mixing=0.0, demosaicing={"none": 3, "bilinear": 1})
    noise = linear_noise(camera, 0.6, 3, samples=80)
    white = sum(abs(neighbours(sample[1])) < 0.1 for sample in noise)
    assert 48 < white < 72


def test_stays_in_range_and_says_no_sigma():
    clean = torch.rand(4, 3, 16, 16, generator=seeded())
    degraded = Camera((1e-2, 1e-2))(clean, seeded())
    assert degraded.sigma is None
    assert degraded.noisy.min() >= 0
    assert degraded.noisy.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (3, 1)])
def test_tiny_pictures(size):
    noisy = Camera()(torch.rand(2, 3, *size, generator=seeded()), seeded()).noisy
    assert noisy.shape == (2, 3, *size)
    assert noisy.isfinite().all()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        Camera(shot=0.0)
    with pytest.raises(ValueError, match="gain"):
        Camera(gain=0.5)
    with pytest.raises(ValueError, match="gamma must be between 1 and 4"):
        Camera(gamma=0.5)
    with pytest.raises(ValueError, match=r"exposure must be between 0\.01 and 1"):
        Camera(exposure=0.0)
    with pytest.raises(ValueError, match="a method with a weight"):
        Camera(demosaicing={"malvar": 0.0})
    with pytest.raises(ValueError, match="weight of demosaicing 'malvar'"):
        Camera(demosaicing={"malvar": -1.0})
    with pytest.raises(ArgumentError, match="bilinear"):
        noises.create("camera", demosaicing="linear")
    with pytest.raises(InputError, match="1 or 3 channels, got 2"):
        Camera()(torch.rand(1, 2, 8, 8))
