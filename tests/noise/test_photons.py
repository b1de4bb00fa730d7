"""Photon noise: the counts against the Poisson distribution, the noise against its moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise

from restorekit.noise import poisson_numbers as numbers
from restorekit.noise.photons import Poisson, PoissonGaussian
from restorekit.noise_profile import NoiseProfile, SensorPair
from tests.noise.correlations import flat, seeded

STATED = 1e-4  # total variation distance


def distance(probabilities: np.ndarray, rate: float) -> float:
    """Total variation distance of probabilities of 0, 1, ... to the Poisson distribution."""
    expected = stats.poisson(rate).pmf(np.arange(len(probabilities)))
    return 0.5 * float(np.abs(probabilities - expected).sum() + 1 - expected.sum())


@pytest.mark.parametrize(
    "rate",
    # In quarters of a step of the grid; most are half-way, where rounding changes most.
    [0.0, 1 / 256, 1 / 128, 0.5078125, 3.9921875, 11.984375, 20.03125, 59.9375, 60.125, 123.875],
)
def test_counts_of_low_rates_have_the_stated_error(rate: float) -> None:
    """All columns and choices of the table, at all roundings of these rates."""
    roundings, columns, choices = torch.meshgrid(
        torch.arange(512, 4096, 1024), torch.arange(128), torch.arange(-4096, 4096), indexing="ij"
    )
    bits = (roundings | columns << 12 | choices << 19).int().flatten()
    counts = numbers.count_of_bits(bits, torch.full(bits.shape, rate))
    assert distance(np.bincount(counts.numpy()) / len(bits), rate) < STATED
    assert float(counts.double().mean()) == pytest.approx(rate, abs=2e-3)


@pytest.mark.parametrize("rate", [1 / 64, 0.5, 3.0, 7.25, 12.0, 28.0, 60.0, 64.5, 124.0])
def test_the_table_holds_the_poisson_distribution(rate: float) -> None:
    """The probabilities of a row, added up over its columns and aliases."""
    rates = torch.tensor([0.0, rate]).add(4.0).view(torch.int32) >> 15
    row = numbers._alias_table().view(-1, 128)[int(rates[1] - rates[0])].numpy()
    count, own = row & 255, ((row >> 16) + 4097) / 8192
    found = np.bincount(count, own / 128, minlength=256)
    found += np.bincount(count ^ (row >> 8 & 255), (1 - own) / 128, minlength=256)
    assert distance(found, rate) < 3e-5


@pytest.mark.parametrize("rate", [40.01, 57.5, 124.0, 300.0, 2000.0])
def test_counts_of_high_rates_have_the_stated_error(rate: float) -> None:
    """Normal numbers on a fine grid, weighted by their probability."""
    edges = np.linspace(-7, 7, 1_400_001)
    weights = np.diff(stats.norm.cdf(edges))
    normal = torch.from_numpy((edges[1:] + edges[:-1]) / 2)
    counts = numbers.count_of_normal(normal, torch.full_like(normal, rate)).long().numpy()
    assert distance(np.bincount(counts, weights), rate) < STATED


@pytest.mark.parametrize("others", [30.0, 500.0])
@pytest.mark.parametrize("rate", [0.02, 0.7, 4.3, 11.9, 12.5, 60.0, 123.99, 124.01, 2000.0])
def test_counts_are_poisson_distributed(rate: float, others: float) -> None:
    """A chi-square test of 100,000 numbers, mixed with others as in a picture."""
    rates = torch.full((200_000,), rate)
    rates[1::2] = torch.rand(100_000, generator=seeded(1)) * others
    counts = numbers.poisson_numbers(rates, seeded())[::2].numpy()
    distribution = stats.poisson(rate)
    inner = np.unique(distribution.ppf(np.linspace(0.001, 0.999, 30)))
    bins = np.concatenate([[-np.inf], inner + 0.5, [np.inf]])
    probability = np.diff(distribution.cdf(bins))
    observed = np.histogram(counts, bins)[0]
    held = probability * len(counts) > 5
    merged = [np.array([*values[held], values[~held].sum()]) for values in (observed, probability)]
    found, share = (values[merged[1] > 0] for values in merged)
    assert stats.chisquare(found, share / share.sum() * found.sum()).pvalue > 1e-3


@pytest.mark.parametrize("rate", [1.0, 1000.0])
def test_a_rate_that_is_not_a_number_has_no_count(rate: float) -> None:
    """The other counts are not affected."""
    rates = torch.full((1000,), rate)
    rates[7] = torch.nan
    counts = numbers.poisson_numbers(rates, seeded())
    assert torch.isnan(counts).nonzero().flatten().tolist() == [7]
    assert float(counts.nanmean()) == pytest.approx(rate, abs=5 * (rate / 1000) ** 0.5)


def test_rates_of_zero_and_below() -> None:
    """Rates of 0 and below give 0; the shape and the order of the memory do not matter."""
    rate = torch.tensor([[0.0, -1.0, 100.0], [-0.5, 0.0, 5000.0]]).T
    counts = numbers.poisson_numbers(rate, seeded())
    assert counts.shape == (3, 2)
    assert (counts[:2] == 0).all()
    assert 50 < counts[2, 0] < 160
    assert 4500 < counts[2, 1] < 5500


@pytest.mark.parametrize(("value", "peak"), [(0.5, 20.0), (0.9, 400.0), (0.05, 30.0)])
def test_poisson_noise_has_its_mean_and_variance(value: float, peak: float) -> None:
    """The mean is the clean value, the variance clean / peak."""
    degraded = Poisson(peak)(flat(value), seeded())
    noise, count = degraded.noisy - value, degraded.noisy.numel()
    sigma = math.sqrt(value / peak)
    assert abs(float(noise.double().mean())) < 4 * sigma / math.sqrt(count)
    assert float(noise.std()) == pytest.approx(sigma, rel=0.01)
    torch.testing.assert_close(degraded.sigma, torch.full((16, 1, 1, 1), sigma))


def test_the_same_counts_as_scikit_image() -> None:
    """Two samples of a picture of 256 values, for which its peak is 256."""
    light = (torch.arange(40_000) % 256 + 1).div(256).view(1, 1, 200, 200)
    ours = (Poisson(256.0)(light, seeded()).noisy * 256).round().flatten().numpy()
    theirs = random_noise(light[0, 0].numpy(), "poisson", rng=0, clip=False) * 256
    assert stats.ks_2samp(ours, theirs.round().ravel()).pvalue > 1e-3


def test_photon_and_read_noise_add_up() -> None:
    """The variance is gain * clean + read^2 for each sample, as Foi et al. state it."""
    clean = flat(0.4, samples=24)
    degraded = PoissonGaussian((0.001, 0.05), (0.01, 0.1))(clean, seeded())
    measured = (degraded.noisy - clean).flatten(1).std(dim=1)
    torch.testing.assert_close(measured, degraded.sigma.flatten(), rtol=0.03, atol=0)
    assert len(set(degraded.sigma.flatten().tolist())) == 24


def test_read_noise_alone_is_gaussian() -> None:
    """Of a black picture: there are no photons."""
    noisy = PoissonGaussian(0.01, 0.03)(flat(0.0, samples=2), seeded()).noisy
    assert stats.kstest(noisy.flatten().numpy(), stats.norm(0, 0.03).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "noise", [Poisson(50.0, sigma_map=True), PoissonGaussian(0.02, 0.0, sigma_map=True)]
)
def test_the_map_of_sigma_is_that_of_each_pixel(noise) -> None:
    """The standard deviation of each pixel over many samples; the mean variance of its channels."""
    clean = torch.rand(1, 3, 4, 4, generator=seeded(3)).expand(20_000, 3, 4, 4)
    degraded = noise(clean, seeded())
    assert degraded.sigma.shape == (20_000, 1, 4, 4)
    measured = (degraded.noisy - clean).square().mean((0, 1)).sqrt()
    torch.testing.assert_close(measured, degraded.sigma[0, 0], rtol=0.03, atol=0)


def test_the_peak_is_drawn_in_the_logarithm() -> None:
    """Half of the samples have a peak below the geometric mean of the range."""
    degraded = Poisson((1.0, 10_000.0))(flat(1.0, samples=2000, side=4), seeded())
    peaks = degraded.sigma.flatten() ** -2
    assert stats.kstest(np.log10(peaks.numpy()), stats.uniform(0, 4).cdf).pvalue > 1e-3


def test_wrong_arguments_are_refused() -> None:
    """The message says the limits and the unit."""
    with pytest.raises(ValueError, match=r"peak must be between 0.01 and 1e\+06, in photons"):
        Poisson(0.0)
    with pytest.raises(ValueError, match="gain must be between"):
        PoissonGaussian(gain=0.0)
    with pytest.raises(ValueError, match="swap them"):
        PoissonGaussian(read=(0.2, 0.1))


def test_each_sample_draws_a_pair_of_a_profile(tmp_path) -> None:
    """The variance is that of one of the pairs; the value without light has no photon noise."""
    pairs = (SensorPair(0.002, 0.01, 0.1), SensorPair(0.03, 0.02))
    NoiseProfile(pairs).write(tmp_path / "camera.json")
    noise = PoissonGaussian(profile=str(tmp_path / "camera.json"))
    degraded = noise(flat(0.6, samples=64), seeded())
    expected = [math.sqrt(p.gain * (0.6 - p.pedestal) + p.read**2) for p in pairs]
    levels = degraded.sigma.flatten()
    assert all(min(abs(float(level) - each) for each in expected) < 1e-6 for level in levels)
    assert 16 < sum(abs(float(level) - expected[0]) < 1e-6 for level in levels) < 48
    measured = (degraded.noisy - 0.6).flatten(1).std(dim=1)
    torch.testing.assert_close(measured, levels, rtol=0.03, atol=0)
    NoiseProfile(pairs[:1]).write(tmp_path / "one.json")
    black = PoissonGaussian(profile=str(tmp_path / "one.json"))(flat(0.1), seeded()).noisy - 0.1
    assert float(black.std()) == pytest.approx(0.01, rel=0.02)
    assert abs(float(black.mean())) < 1e-4
