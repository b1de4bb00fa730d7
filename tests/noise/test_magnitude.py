"""Rician noise against its distribution."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from restorekit.noise.magnitude import Rician
from tests.noise.correlations import flat, seeded


@pytest.mark.parametrize(("value", "std"), [(0.0, 0.1), (0.1, 0.1), (0.7, 0.05)])
def test_rician_noise_has_its_distribution(value: float, std: float) -> None:
    """Kolmogorov-Smirnov against scipy's, which is Rayleigh's where the signal is 0."""
    degraded = Rician(std)(flat(value, samples=2), seeded())
    assert (
        stats.kstest(
            degraded.noisy.flatten().numpy(), stats.rice(value / std, scale=std).cdf
        ).pvalue
        > 1e-3
    )
    assert (degraded.noisy >= 0).all()


def test_sigma_is_the_standard_deviation_of_bright_areas() -> None:
    """And 0.66 of it where the signal is 0, by theory."""
    for value, ratio in ((0.6, 1.0), (0.0, (2 - torch.pi / 2) ** 0.5)):
        degraded = Rician((0.02, 0.1))(flat(value, samples=16), seeded())
        measured = degraded.noisy.flatten(1).std(dim=1)
        torch.testing.assert_close(measured, ratio * degraded.sigma.flatten(), rtol=0.03, atol=0)
