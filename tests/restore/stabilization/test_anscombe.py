"""The generalised Anscombe transform against simulated noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.estimate.noise_curve import NoiseCurve
from restorekit.restore.stabilization.anscombe import Anscombe

# Gain and variance at 0: photons alone, a pedestal, read noise weak and strong, and few photons.
CURVES = [(0.01, 0.0), (0.08, -0.0011), (0.01, 1e-4), (0.002, 1.5e-3), (1e-4, 1e-3), (0.1, 0.01)]
SIGNALS = [0.0, 0.005, 0.03, 0.1, 0.5, 0.9]


def drawn(curve: NoiseCurve, signal: float, count: int = 100_000) -> Tensor:
    """Values with Poisson-Gaussian noise, as the curve describes it."""
    generator = torch.Generator().manual_seed(round(1e6 * signal))
    black, read = max(0.0, -curve.variance / curve.gain), max(0.0, curve.variance) ** 0.5
    mean = torch.full((count,), (signal - black) / curve.gain, dtype=torch.float64)
    values = torch.poisson(mean, generator=generator) * curve.gain + black
    return values + read * torch.randn(count, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("curve", [NoiseCurve(*each) for each in CURVES], ids=str)
def test_the_inverse_is_unbiased(curve: NoiseCurve, signal: float) -> None:
    """The inverse of the mean of transformed values is the signal, up to the random error."""
    signal += max(0.0, -curve.variance / curve.gain)
    transform, values = Anscombe(curve), drawn(curve, signal)
    transformed = transform.forward(values)
    error = 4 * transformed.std() / len(values) ** 0.5
    low, high = (transform.inverse(transformed.mean() + each) for each in (-error, error))
    assert float(low) - 1e-4 * curve.gain <= signal <= float(high) + 1e-4 * curve.gain


@pytest.mark.parametrize("curve", [NoiseCurve(*each) for each in CURVES], ids=str)
def test_the_transformed_noise_has_variance_1(curve: NoiseCurve) -> None:
    """This holds from about four photons on, or with read noise of more than one."""
    for signal in (0.45, 0.9):
        spread = Anscombe(curve).forward(drawn(curve, signal)).std()
        assert float(spread) == pytest.approx(1, abs=0.04)


def test_the_inverse_differs_from_the_algebraic_one() -> None:
    """Without the correction, the result would be a quarter of a photon too dark."""
    curve = NoiseCurve(0.01, 0.0)
    transformed = Anscombe(curve).forward(drawn(curve, 0.3)).mean()
    algebraic = (float(transformed) / 2) ** 2 * curve.gain - 3 / 8 * curve.gain
    assert algebraic - 0.3 == pytest.approx(-curve.gain / 4, rel=0.1)


@pytest.mark.parametrize("curve", [NoiseCurve(*each) for each in CURVES], ids=str)
def test_the_inverse_is_continuous_and_increasing(curve: NoiseCurve) -> None:
    """Also below the table, where signals are below black, and where the asymptote starts."""
    transform = Anscombe(curve)
    ends = transform.forward(torch.tensor([-0.05, 1.2], dtype=torch.float64))
    expected = torch.linspace(float(ends[0]) - 0.5, float(ends[1]), 20_001, dtype=torch.float64)
    steps = transform.inverse(expected).diff()
    slope = steps / expected.diff()
    assert bool((steps > 0).all())
    assert float(slope.diff().abs().max()) < 0.05 * float(slope.max())


def test_the_inverse_keeps_the_dtype() -> None:
    """Single precision stays single."""
    transform = Anscombe(NoiseCurve(0.01, 1e-4))
    assert transform.inverse(transform.forward(torch.rand(3, 4))).dtype == torch.float32
