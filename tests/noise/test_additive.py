"""Gaussian and uniform noise against their distributions."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from restorekit.noise.additive import Gaussian, Laplace, Uniform

KINDS = [
    pytest.param(Gaussian, stats.norm(0, 0.1).cdf, 0.1, 0.1, id="gaussian"),
    pytest.param(Uniform, stats.uniform(-0.1, 0.2).cdf, 0.1, 0.1 / math.sqrt(3), id="uniform"),
    pytest.param(Laplace, stats.laplace(0, 0.1).cdf, 0.1, 0.1 * math.sqrt(2), id="laplace"),
]


@pytest.mark.parametrize(("make", "cdf", "size", "sigma"), KINDS)
def test_the_noise_has_its_distribution(make, cdf, size, sigma, generator):
    """Kolmogorov-Smirnov against the distribution; mean and standard deviation within theory."""
    clean = torch.full((4, 3, 64, 64), 0.5, dtype=torch.float64)
    noise = (make(size)(clean, generator).noisy - clean).flatten().numpy()
    assert stats.kstest(noise, cdf).pvalue > 1e-3
    assert abs(noise.mean()) < 4 * sigma / math.sqrt(noise.size)
    assert noise.std() == pytest.approx(sigma, rel=4 / math.sqrt(2 * noise.size))


@pytest.mark.parametrize(("make", "cdf", "size", "sigma"), KINDS)
def test_sigma_is_the_standard_deviation(make, cdf, size, sigma, generator):
    """The returned sigma is the theoretical standard deviation, one a sample."""
    reported = make(size)(torch.rand(5, 1, 8, 8), generator).sigma
    torch.testing.assert_close(reported, torch.full((5, 1, 1, 1), sigma))


def test_uniform_noise_never_exceeds_its_amplitude(generator):
    """The amplitude is a bound, and one that is nearly reached."""
    clean = torch.full((2, 3, 64, 64), 0.5)
    largest = (Uniform(0.3)(clean, generator).noisy - clean).abs().max()
    assert 0.299 < largest <= 0.3 + 1e-6


@pytest.mark.parametrize("make", [Gaussian, Laplace, Uniform])
def test_each_sample_draws_its_own_parameter(make, generator):
    """With a range, every sample's measured noise fits the sigma reported for that sample."""
    clean = torch.full((64, 1, 48, 48), 0.5, dtype=torch.float64)
    degraded = make((0.05, 0.4))(clean, generator)
    measured = (degraded.noisy - clean).flatten(1).std(dim=1)
    reported = degraded.sigma.flatten()
    assert len(set(reported.tolist())) == 64
    torch.testing.assert_close(measured, reported, rtol=5 / math.sqrt(2 * 48 * 48), atol=0)


@pytest.mark.parametrize("make", [Gaussian, Laplace, Uniform])
def test_samples_and_channels_are_independent(make, generator):
    """The noise of no two planes of a batch is correlated."""
    clean = torch.full((4, 3, 64, 64), 0.5)
    planes = (make(0.1)(clean, generator).noisy - clean).reshape(12, -1)
    correlation = torch.corrcoef(planes) - torch.eye(12)
    assert correlation.abs().max() < 5 / math.sqrt(64 * 64)


@pytest.mark.parametrize("make", [Gaussian, Laplace, Uniform])
def test_the_noise_does_not_clip_unless_asked(make):
    """The default keeps values outside [0, 1]; clip gives the same noise, cut off at the ends."""
    clean = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    free = make(0.5)(clean, torch.Generator().manual_seed(3)).noisy
    clipped = make(0.5, clip=True)(clean, torch.Generator().manual_seed(3)).noisy
    assert free.min() < 0
    assert free.max() > 1
    assert torch.equal(clipped, free.clamp(0, 1))


@pytest.mark.parametrize("make", [Gaussian, Laplace, Uniform])
def test_half_precision_gets_the_same_noise_rounded_once(make):
    """Noise is drawn in float32 whatever the dtype: bfloat16 images get it, then are rounded."""
    clean = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)).bfloat16()
    half = make((0.1, 0.2))(clean, torch.Generator().manual_seed(3))
    full = make((0.1, 0.2))(clean.float(), torch.Generator().manual_seed(3))
    assert half.noisy.dtype == half.sigma.dtype == torch.bfloat16
    assert torch.equal(half.noisy, full.noisy.bfloat16())


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([Gaussian, Laplace, Uniform]),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
)
def test_no_noise_of_size_zero(make, shape):
    """Size 0 returns the image itself, in a new tensor, whatever its shape."""
    clean = torch.rand(shape)
    noisy = make(0.0)(clean).noisy
    assert torch.equal(noisy, clean)
    assert noisy.data_ptr() != clean.data_ptr()


def test_without_a_generator_torch_s_own_is_used():
    """torch.manual_seed then decides the noise."""
    clean = torch.zeros(1, 1, 8, 8)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = Gaussian()(clean).noisy
        second = Gaussian()(clean).noisy
        torch.manual_seed(5)
        again = Gaussian()(clean).noisy
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
