"""Losses on gradients, frequencies, wavelets, colours and scales, computed independently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pywt
import torch
from scipy import fft, ndimage

from restorekit.components.kinds import losses
from restorekit.errors import ArgumentError, InputError


def pair(height: int = 20, width: int = 17) -> tuple[torch.Tensor, torch.Tensor]:
    """Two colour images of odd sizes, one of them beyond [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, height, width, generator=generator)
    return target + 0.2 * torch.randn(target.shape, generator=generator), target


def found(name: str, height: int = 20, width: int = 17, **arguments: Any) -> float:
    return float(losses.create(name, **arguments)(*pair(height, width)))


def error(height: int = 20, width: int = 17) -> np.ndarray[Any, Any]:
    """The difference of the pair in double precision."""
    restored, target = pair(height, width)
    return (restored - target).double().numpy()


def test_huber_is_the_integral_of_the_clipped_error() -> None:
    """Numerically, of the derivative that Huber's function has."""
    sizes = np.abs(error())
    steps = np.linspace(0, 1, 2001)
    slope = np.minimum(sizes[..., None] * steps, 0.07)
    expected = (np.trapezoid(slope, steps, axis=-1) * sizes).mean()
    assert found("huber", delta=0.07) == pytest.approx(expected, rel=1e-5)


def test_psnr_is_the_metric() -> None:
    """The loss falls by a decibel for each of the mean PSNR."""
    restored, target = pair()
    from skimage.metrics import peak_signal_noise_ratio

    ratios = [
        peak_signal_noise_ratio(t.numpy(), r.numpy(), data_range=1)
        for r, t in zip(restored, target, strict=True)
    ]
    assert found("psnr") == pytest.approx(100 - np.mean(ratios), rel=1e-5)


def test_gradient_is_the_error_of_differences() -> None:
    """By numpy, the mean of each direction added up."""
    across, down = (np.abs(np.diff(error(), axis=axis)).mean() for axis in (-1, -2))
    assert found("gradient") == pytest.approx(across + down, rel=1e-5)


def test_edge_is_the_error_of_scipy_s_laplacian() -> None:
    """With the mirrored border."""
    laplacian = np.stack([ndimage.laplace(p, mode="reflect") for p in error().reshape(-1, 20, 17)])
    expected = np.sqrt(laplacian**2 + 0.01**2).mean()
    assert found("edge", epsilon=0.01) == pytest.approx(expected, rel=1e-5)


def test_frequency_is_the_error_of_scipy_s_transform() -> None:
    """Of the complex coefficients."""
    size = np.abs(fft.fft2(error(), norm="ortho"))
    assert found("frequency") == pytest.approx(size.mean(), rel=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0])
def test_focal_frequency_weighs_by_the_error(alpha: float) -> None:
    """The formula of its paper; by Parseval's theorem alpha 0 is the mean squared error."""
    size = np.abs(fft.fft2(error(), norm="ortho"))
    weight = (size / size.max((-2, -1), keepdims=True)) ** alpha
    value = found("focal_frequency", alpha=alpha)
    assert value == pytest.approx((weight * size**2).mean(), rel=1e-4)
    if alpha == 0:
        assert value == pytest.approx((error() ** 2).mean(), rel=1e-4)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_wavelet_is_the_error_of_pywavelets(levels: int) -> None:
    """Of the Haar transform with symmetric extension."""
    mean, *details = pywt.wavedec2(error(), "haar", mode="symmetric", level=levels)
    total = 0.0
    for number, bands in enumerate(details):  # from the coarsest to the finest
        used = [*bands, mean] if number == 0 else bands
        total += np.mean([np.abs(band).mean() for band in used])
    assert found("wavelet", levels=levels) == pytest.approx(total / levels, rel=1e-5)


def test_colour_is_the_squared_error_after_scipy_s_blur() -> None:
    """A window of 3 standard deviations; the border pixel is repeated."""
    blurred = ndimage.gaussian_filter(error(), (0, 0, 2, 2), mode="nearest", truncate=3.0)
    assert found("colour", radius=2.0) == pytest.approx((blurred**2).mean(), rel=1e-4)


def test_multi_scale_is_the_mean_over_the_sizes() -> None:
    """By numpy's means of 2x2 pixels."""
    expected, halved = [], error(16, 24)
    for _ in range(3):
        expected.append((halved**2).mean())
        halved = halved.reshape(2, 3, halved.shape[2] // 2, 2, -1, 2).mean((3, 5))
    value = found("multi_scale", 16, 24, loss="mse", scales=3)
    assert value == pytest.approx(np.mean(expected), rel=1e-5)
    with pytest.raises(InputError, match="at least 16x16 pixels, got 8x20"):
        found("multi_scale", 8, 20, scales=5)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("huber", {"delta": 0}, "delta must be between"),
        ("edge", {"epsilon": 2}, "epsilon must be between"),
        ("focal_frequency", {"alpha": -1}, "alpha must be between 0 and 10"),
        ("wavelet", {"levels": 0}, "levels must be between 1 and 8"),
        ("colour", {"radius": 0}, "radius must be between"),
        ("multi_scale", {"scales": 0}, "scales must be between 1 and 8"),
    ],
)
def test_wrong_arguments_are_refused(name: str, arguments: dict[str, Any], words: str) -> None:
    """The message says the limits."""
    with pytest.raises(ArgumentError, match=words):
        losses.create(name, **arguments)
