"""Correlated Gaussian noise against the autocorrelation and the spectrum that theory gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal, stats

from restorekit.noise.correlated import Colored, Correlated
from tests.noise.correlations import correlation, flat, seeded

KERNEL = [[1.0, 2.0, 0.0], [0.0, 3.0, -1.0]]


def test_the_noise_has_the_autocorrelation_of_its_kernel() -> None:
    """At all lags, by scipy's correlation of the kernel with itself."""
    noise = Correlated(0.2, KERNEL)(flat(0.5, samples=32, side=64), seeded()).noisy - 0.5
    power = torch.fft.rfft2(noise, s=(128, 128)).abs().square().mean((0, 1))
    found = torch.fft.irfft2(power, s=(128, 128)) / 64**2 / 0.04
    unit = np.array(KERNEL) / np.linalg.norm(KERNEL)
    expected = signal.correlate2d(unit, unit)
    measured = torch.roll(found, (1, 2), (0, 1))[:3, :5].numpy()
    # Fewer pairs of pixels are that far apart.
    pairs = np.outer(1 - np.abs([-1, 0, 1]) / 64, 1 - np.abs([-2, -1, 0, 1, 2]) / 64)
    np.testing.assert_allclose(measured / pairs, expected, atol=0.02)


def test_a_large_kernel_gives_the_noise_of_a_small_one() -> None:
    """With zeros and tiny numbers around it, on which the way of computing depends."""
    wide = np.full((7, 7), 1e-9)
    wide[2:4, 2:5] = KERNEL
    noise = Correlated(0.2, wide.tolist())(flat(0.5, samples=8), seeded()).noisy - 0.5
    unit = np.array(KERNEL) / np.linalg.norm(KERNEL)
    beside = float((unit[:, 1:] * unit[:, :-1]).sum())
    assert correlation(noise) == pytest.approx(beside, abs=0.01)
    assert float(noise.std()) == pytest.approx(0.2, rel=0.02)


def test_every_pixel_is_normal_with_the_std() -> None:
    """Up to the border: one pixel over many samples."""
    noisy = Correlated(0.1, KERNEL)(torch.zeros(20_000, 1, 3, 3), seeded()).noisy
    for corner in (noisy[:, 0, 0, 0], noisy[:, 0, 2, 2], noisy[:, 0, 1, 1]):
        assert stats.kstest(corner.numpy(), stats.norm(0, 0.1).cdf).pvalue > 1e-3


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 1.0, 2.0])
def test_the_spectrum_falls_by_its_exponent(exponent: float) -> None:
    """A line through the logarithms of power and frequency, and the standard deviation."""
    degraded = Colored(0.1, exponent)(flat(0.5, samples=48, side=64), seeded())
    noise = degraded.noisy - 0.5
    power = torch.fft.fft2(noise).abs().square().mean((0, 1)).flatten().numpy()
    rows, columns = np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64), indexing="ij")
    frequency = np.hypot(rows, columns).ravel()
    slope = stats.linregress(np.log(frequency[1:]), np.log(power[1:])).slope
    assert slope == pytest.approx(-exponent, abs=0.02)
    assert float(noise.square().mean().sqrt()) == pytest.approx(0.1, rel=0.03)
    assert noise.mean((2, 3)).abs().max() < 1e-6
    torch.testing.assert_close(degraded.sigma, torch.full((48, 1, 1, 1), 0.1))


def test_odd_sizes_and_single_pixels() -> None:
    """The inverse transform keeps the size."""
    assert Colored()(torch.zeros(2, 3, 7, 5), seeded()).noisy.shape == (2, 3, 7, 5)
    assert (Colored()(torch.zeros(2, 1, 1, 1), seeded()).noisy == 0).all()


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ([], "rows of equal length"),
        ([[1.0], [1.0, 2.0]], "rows of equal length"),
        ([[0.0, 0.0]], "a number other than 0"),
        ([[float("nan")]], "a number other than 0"),
        ([[1.0] * 64], "at most 63x63"),
    ],
)
def test_kernels_that_cannot_be_used_are_refused(kernel, words) -> None:
    """The message says what is wrong."""
    with pytest.raises(ValueError, match=words):
        Correlated(kernel=kernel)
