"""Stripes and quantization against theory."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from restorekit.noise.readout import Quantization, Stripes
from tests.noise.correlations import flat, seeded


def test_stripes_are_constant_along_rows_and_columns() -> None:
    """The sum of a function of the row and one of the column, equal in all channels."""
    noise = Stripes(0.05, 0.02)(flat(0.5, samples=2), seeded()).noisy - 0.5
    assert torch.equal(noise[:, :1].expand_as(noise), noise)
    mixed = noise - noise.mean(2, keepdim=True) - noise.mean(3, keepdim=True)
    torch.testing.assert_close(
        mixed, -noise.mean((2, 3), keepdim=True).expand_as(mixed), rtol=0, atol=1e-6
    )


def test_stripes_have_the_two_standard_deviations() -> None:
    """Each a normal distribution; together they give sigma."""
    noise = Stripes(0.05, 0.0, per_channel=True)(flat(0.5, samples=16), seeded()).noisy - 0.5
    assert stats.kstest(noise[..., 0].flatten().numpy(), stats.norm(0, 0.05).cdf).pvalue > 1e-3
    noise = Stripes(0.0, 0.03, per_channel=True)(flat(0.5, samples=16), seeded()).noisy - 0.5
    assert stats.kstest(noise[:, :, 0].flatten().numpy(), stats.norm(0, 0.03).cdf).pvalue > 1e-3
    sigma = Stripes(0.03, 0.04)(flat(0.5), seeded()).sigma
    torch.testing.assert_close(sigma, torch.full((16, 1, 1, 1), 0.05))


@pytest.mark.parametrize("bits", [1, 3, 8, 12])
def test_levels_are_those_of_integers(bits: int) -> None:
    """Of whole bits: the rounding that a file of that depth has."""
    clean = torch.rand(2, 3, 32, 32, generator=seeded(1))
    noisy = Quantization(bits)(clean, seeded()).noisy
    top = 2**bits - 1
    torch.testing.assert_close(noisy, (clean * top).round() / top)
    assert noisy.unique().numel() <= top + 1


def test_the_error_is_uniform_with_the_stated_sigma() -> None:
    """Where the picture covers many levels."""
    clean = torch.rand(4, 1, 128, 128, generator=seeded(1))
    degraded = Quantization((4.0, 7.0))(clean, seeded())
    for error, sigma in zip(degraded.noisy - clean, degraded.sigma.flatten(), strict=True):
        half = float(sigma) * math.sqrt(3)
        inside = clean[0] < 0.9  # the uppermost level is not whole
        assert stats.kstest(error[inside].numpy(), stats.uniform(-half, 2 * half).cdf).pvalue > 1e-3


def test_dither_keeps_the_mean() -> None:
    """Between two levels; without it all pixels have the same one."""
    clean = flat(0.4, samples=1)
    assert Quantization(1)(clean, seeded()).noisy.unique().tolist() == [0.0]
    noisy = Quantization(1, dither=True)(clean, seeded()).noisy
    assert float(noisy.mean()) == pytest.approx(0.4, abs=4 * 0.5 / math.sqrt(noisy.numel()))
