"""What counts as evidence of noise, for pictures whose noise or texture is made here."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.restore.safeguard.evidence import measure_evidence
from restorekit.restore.safeguard.residual import Residual

_SIDE = 192


def test_white_noise_is_found_in_a_picture_full_of_detail() -> None:
    """A residual with the distribution of white noise suffices without smooth areas."""
    detail = 0.5 + 0.08 * _smoothed(_normal(0), 1.0)
    evidence = measure_evidence(detail + 4 / 255 * _normal(1), detail, torch.tensor([4 / 255]))
    assert abs(255 * evidence.sigma - 4) < 0.4
    assert not evidence.is_correlated


def test_a_network_that_removes_more_than_the_level_removes_texture() -> None:
    """A lawn: what is removed is 1.4 times as strong as the estimated noise."""
    noisy = _ramp() + 13 / 255 * _normal(0)
    assert measure_evidence(noisy, _ramp(), torch.tensor([9.2 / 255])).sigma == 0
    assert measure_evidence(noisy, _ramp(), torch.tensor([13 / 255])).sigma > 12 / 255


def test_a_slightly_correlated_residual_does_not_count() -> None:
    """Neither white noise nor that of a camera has a correlation of 0.1 between neighbours."""
    mixed = _normal(0) + 0.1 * _normal(0).roll(1, 2) + 0.1 * _normal(0).roll(1, 3)
    noisy = _ramp() + 5 / 255 * mixed
    assert measure_evidence(noisy, _ramp(), torch.tensor([5 / 255])).sigma == 0


def test_the_dark_gaps_of_sand_are_texture() -> None:
    """Weak noise has no long tail towards black, but that of photons has one towards white."""
    generator = torch.Generator().manual_seed(0)
    tail = torch.empty(1, 1, _SIDE, _SIDE).exponential_(generator=generator) - 1
    grains = (_normal(1) + tail) * 4.6 / 255 / 2**0.5
    sigma = torch.tensor([4.6 / 255])
    assert measure_evidence(_ramp() - grains, _ramp(), sigma).sigma == 0
    assert measure_evidence(_ramp() + grains, _ramp(), sigma).sigma > 4 / 255


def test_coloured_texture_is_not_noise_of_independent_channels() -> None:
    """The differences of channels with texture have a falling spectrum, unlike white noise."""
    texture = 0.5 + 0.1 * _smoothed(_normal(0, 3), 0.6)
    kept = texture - 2 / 255 * _normal(1, 3)
    assert measure_evidence(texture, kept, torch.full((3,), 20 / 255)).sigma < 1.9 / 255
    noisy = _ramp() + 4 / 255 * _normal(2, 3)
    white = measure_evidence(noisy, _ramp().expand(1, 3, -1, -1), torch.full((3,), 4 / 255))
    assert abs(255 * white.sigma - 4) < 0.4


def test_colourful_detail_is_not_noise_of_independent_channels() -> None:
    """What was removed has the heavy tails of detail."""
    rough, sigma = _ramp().expand(1, 3, -1, -1) + 8 / 255 * _normal(2), torch.full((3,), 5 / 255)
    detail = 30 / 255 * _normal(0, 3) * (_normal(1, 3) > 2)
    assert measure_evidence(rough + detail, rough, sigma).sigma == 0


def test_noise_that_differs_from_place_to_place_has_no_heavy_tails() -> None:
    """Between bright and dark, between channels, and where there is none because it was clipped."""
    noise = _normal(0, 3)
    growing = 12 * torch.exp(4 * (_ramp() - 0.8) / 0.6) * noise
    assert float((growing**4).mean() / (growing**2).mean() ** 2) > 10
    smooth = _ramp().expand(1, 3, -1, -1)
    assert Residual(smooth + growing / 255, smooth).normalized_kurtosis < 7
    unequal = torch.tensor([1.0, 1.0, 8.0])[:, None, None] * noise / 255
    assert abs(Residual(smooth + unequal, smooth).normalized_kurtosis - 3) < 0.3
    barred = smooth * (torch.arange(_SIDE) >= _SIDE * 0.6)
    visible = 8 / 255 * noise * (barred > 0)
    assert abs(Residual(barred + visible, barred).normalized_kurtosis - 3) < 0.3


def test_fine_texture_is_not_white_noise() -> None:
    """It has heavy tails and stays where a picture is smoothest; noise has one of them at most."""
    sigma, smooth, rough = torch.tensor([8 / 255]), _ramp(), _ramp() + 6 / 255 * _normal(1)
    heavy = 8 / 255 * _heavy(_heavy(_normal(0)))
    some = 8 / 255 * (_normal(0) * (1 + 0.8 * (_normal(3) > 0.5))) / 1.4
    assert 3.6 < float((some**4).mean() / (some**2).mean() ** 2) < 5.5
    assert measure_evidence(rough + heavy, rough, sigma).sigma == 0
    assert measure_evidence(smooth + heavy, smooth, sigma).sigma > 6 / 255
    assert measure_evidence(rough + some, rough, sigma).sigma > 6 / 255


def test_white_noise_in_luma() -> None:
    """It is certain if it is uncorrelated, symmetric and normal, and shows in smooth areas."""
    sigma = torch.tensor([8 / 255])

    def certain(residual: Tensor, restored: Tensor | None = None) -> str | None:
        clean = _ramp() if restored is None else restored
        return measure_evidence(clean + 8 / 255 * residual, clean, sigma).certain

    noise = _normal(0)
    assert certain(noise) == "white"
    assert certain(_smoothed(noise, 1.0)) == "correlated"
    assert certain(noise + 0.1 * noise.roll(1, 2) + 0.1 * noise.roll(1, 3)) is None
    assert certain(1.5 * noise) is None  # stronger than the estimate
    assert certain(_heavy(noise)) is None
    skewed = noise + 0.08 * noise.square()
    assert certain((skewed - skewed.mean()) / skewed.std()) is None
    assert certain(noise, _ramp() + 1.8 / 255 * _normal(1)) is None  # as rough as grass
    assert certain(noise, _ramp() + 0.8 / 255 * _normal(1)) == "white"


def test_correlated_noise_has_colour() -> None:
    """A residual with heavy tails that channels share is texture, such as a crowd from far away."""
    luma, each = _heavy(_smoothed(_normal(0), 1.0)), _heavy(_smoothed(_normal(1, 3), 1.0))
    clean, sigma = 0.5 + 0.02 * _ramp().expand(1, 3, -1, -1), torch.full((3,), 8 / 255)
    for residual, expected in ((luma + 0.1 * each, False), (each, True)):
        evidence = measure_evidence(clean + 8 / 255 * residual, clean, sigma)
        assert evidence.is_correlated == expected
    gray = measure_evidence(clean + 8 / 255 * luma.expand(1, 3, -1, -1), clean, sigma)
    assert gray.is_correlated


def test_noise_that_channels_share_in_smooth_areas() -> None:
    """As JPEG leaves it; what is rough after restoring, or has heavy tails, is texture."""
    shared, each = _normal(0), _smoothed(_normal(1, 3), 1.0)
    residual, sigma = 8 / 255 * (shared + 0.2 * each), torch.full((3,), 8 / 255)
    smooth = _ramp().expand(1, 3, -1, -1)
    found = measure_evidence(smooth + residual, smooth, sigma)
    assert abs(255 * found.sigma - 8) < 0.8
    rough = smooth + 5 / 255 * _normal(2)
    assert measure_evidence(rough + residual, rough, sigma).sigma < 1 / 255
    heavy = 8 / 255 * (_heavy(_heavy(shared)) + 0.2 * each)
    assert measure_evidence(smooth + heavy, smooth, sigma).sigma < 1 / 255


def _heavy(image: Tensor) -> Tensor:
    """With heavier tails than a normal distribution, of unit variance."""
    return image * image.abs().sqrt() / (image.abs() ** 3).mean() ** 0.5


def _normal(seed: int, channels: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, channels, _SIDE, _SIDE, generator=generator)


def _ramp() -> Tensor:
    return torch.linspace(0.2, 0.8, _SIDE).expand(1, 1, _SIDE, _SIDE)


def _smoothed(image: Tensor, width: float) -> Tensor:
    """Blurred by a Gaussian, with unit variance."""
    places = torch.arange(-4.0, 5.0)
    kernel = torch.exp(-((places / width) ** 2) / 2)
    kernel = (kernel[:, None] * kernel).expand(image.shape[1], 1, 9, 9)
    blurred = functional.conv2d(
        functional.pad(image, (4, 4, 4, 4), mode="circular"), kernel, groups=image.shape[1]
    )
    return blurred / blurred.std()
