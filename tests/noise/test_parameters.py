"""Drawing per-sample parameters and checking batches."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from restorekit.errors import InputError
from restorekit.noise.parameters import Draws, as_interval, check_clean_batch

fractions = st.floats(0, 1, width=32)


def test_a_number_is_an_interval_of_one_value():
    """A fixed number and a range are the same thing to a noise."""
    assert as_interval(0.25, "std", "") == (0.25, 0.25)
    assert as_interval((0.0, 1.0), "std", "") == (0.0, 1.0)


@pytest.mark.parametrize("value", [-0.1, 1.1, 25, float("nan"), float("inf"), (0.0, 25.0)])
def test_values_off_the_scale_are_refused_by_name(value):
    """A sigma on the scale of 255 is a likely mistake: the message names argument and scale."""
    with pytest.raises(ValueError, match=r"std must be between 0 and 1, of the images"):
        as_interval(value, "std", "of the images")


def test_a_reversed_range_is_refused():
    """(high, low) is a mistake, not another way to write a range."""
    with pytest.raises(ValueError, match=r"std is a range \(low, high\): 0.3 > 0.1"):
        as_interval((0.3, 0.1), "std", "")


@settings(max_examples=40, deadline=None)
@given(st.tuples(fractions, fractions).map(sorted), st.integers(1, 5), st.integers(0, 2**31))
def test_drawn_values_lie_in_the_interval(ends, batch, seed):
    """One float32 value a sample, never outside the range."""
    low, high = ends
    generator = torch.Generator().manual_seed(seed)
    drawn = Draws(torch.zeros(batch, 1, 2, 2), generator).parameter((low, high))
    assert drawn.shape == (batch, 1, 1, 1)
    assert drawn.dtype == torch.float32
    slack = 1e-6
    assert low - slack <= drawn.min() <= drawn.max() <= high + slack


def test_drawn_values_are_uniform(generator):
    """Values of a range are uniformly distributed in it (Kolmogorov-Smirnov)."""
    drawn = Draws(torch.zeros(3000, 1, 1, 1), generator).parameter((0.1, 0.4)).flatten()
    assert stats.kstest(drawn.numpy(), stats.uniform(0.1, 0.3).cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8), (1, 1, 3, 8, 8), (0, 3, 8, 8), (1, 3, 0, 8)])
def test_only_batches_of_images_are_taken(shape):
    """Other shapes than a non-empty (B, C, H, W) are refused, and the message states them."""
    with pytest.raises(InputError, match=r"needs a batch \(B, C, H, W\), got shape"):
        check_clean_batch(torch.zeros(shape), None)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_integer_images_are_refused(dtype):
    """Noise on integers would be lost in rounding."""
    with pytest.raises(InputError, match=f"floating point images in .0, 1., got {dtype}"):
        check_clean_batch(torch.zeros(1, 1, 4, 4, dtype=dtype), None)


def test_a_generator_on_another_device_is_refused(generator):
    """The message says where both are; torch alone would raise deep inside."""
    with pytest.raises(InputError, match="generator is on cpu and the images on meta"):
        check_clean_batch(torch.zeros(1, 1, 4, 4, device="meta"), generator)


def test_logarithms_of_drawn_values_are_uniform(generator):
    """Kolmogorov-Smirnov; and each sample has its own value."""
    drawn = Draws(torch.zeros(3000, 1, 1, 1), generator).logarithmic((1e-4, 1e-1)).flatten()
    assert stats.kstest(drawn.log10().numpy(), stats.uniform(-4, 3).cdf).pvalue > 1e-3


def test_a_chance_is_a_probability(generator):
    """Never at 0, always at 1, and in between as often as it says, within 4 standard errors."""
    draw = Draws(torch.zeros(2000, 1, 1, 1), generator)
    assert not draw.chance(0.0).any()
    assert draw.chance(1.0).all()
    assert abs(draw.chance(0.3).float().mean() - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5


def test_limits_other_than_0_and_1_are_named():
    assert as_interval((1.5, 4.0), "gamma", "", least=1.0, most=4.0) == (1.5, 4.0)
    with pytest.raises(ValueError, match=r"gamma must be between 1 and 4, an exponent, not 0\.5"):
        as_interval(0.5, "gamma", "an exponent", least=1.0, most=4.0)
