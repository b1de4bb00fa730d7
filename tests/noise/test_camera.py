"""Camera noise, compared with its physical model."""

from __future__ import annotations

import math

import pytest
import torch

from restorekit.errors import InputError
from restorekit.noise.camera import GAMMA, Camera


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear_noise(camera: Camera, value: float, channels: int = 1) -> torch.Tensor:
    """The noise in linear light of a flat picture of that value."""
    clean = torch.full((8, channels, 96, 96), value)
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


def test_white_balance_makes_red_and_blue_noisier():
    """Red and blue are amplified, green never."""
    noise = linear_noise(Camera(1e-4, smooth=0.0, gain=2.4, mixing=0.0), 0.6, 3)
    red, green, blue = noise.std((0, 2, 3))
    assert red > 1.1 * green
    assert blue > 1.1 * green


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
    with pytest.raises(InputError, match="1 or 3 channels, got 2"):
        Camera()(torch.rand(1, 2, 8, 8))
