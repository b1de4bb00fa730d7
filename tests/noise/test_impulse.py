"""Salt-and-pepper noise against binomial statistics."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from restorekit.noise.impulse import SaltAndPepper


def plausible(hits: torch.Tensor, probability: float) -> bool:
    """Whether a two-sided binomial test accepts that probability for the hits."""
    return stats.binomtest(int(hits.sum()), hits.numel(), probability).pvalue > 1e-3


@pytest.fixture
def gray() -> torch.Tensor:
    """A colour batch with the value 0.5 everywhere."""
    return torch.full((4, 3, 96, 96), 0.5)


@pytest.mark.parametrize("amount", [0.01, 0.03, 0.4])
@pytest.mark.parametrize("salt", [0.5, 0.2])
def test_the_amount_and_the_share_of_salt(gray, amount, salt, generator):
    """`amount` of the pixels are hit and `salt` of those are white."""
    pixels = SaltAndPepper(amount, salt)(gray, generator).noisy[:, 0]
    hit = pixels != 0.5
    assert plausible(hit, amount)
    assert plausible(pixels[hit] == 1, salt)


def test_hit_values_are_exactly_black_or_white_and_the_rest_untouched(batch, generator):
    """The result has only 0, 1 and the clean values."""
    noisy = SaltAndPepper(0.2)(batch, generator).noisy
    untouched = noisy == batch
    assert 0.6 < untouched.float().mean() < 0.95
    assert set(noisy[~untouched].tolist()) == {0.0, 1.0}


def test_all_channels_of_a_pixel_are_hit_together(gray, generator):
    """By default specks are black or white, never coloured."""
    noisy = SaltAndPepper(0.3)(gray, generator).noisy
    assert torch.equal(noisy.amin(dim=1), noisy.amax(dim=1))


def test_per_channel_hits_are_independent(gray, generator):
    """With per_channel, two channels are hit together as often as independence predicts."""
    hit = SaltAndPepper(0.3, per_channel=True)(gray, generator).noisy != 0.5
    assert plausible(hit, 0.3)
    assert plausible(hit[:, 0] & hit[:, 1], 0.3**2)
    assert plausible(hit.all(dim=1), 0.3**3)


def test_samples_are_hit_independently(gray, generator):
    """Two samples are hit at the same place as often as independence predicts."""
    hit = SaltAndPepper(0.3)(gray, generator).noisy[:, 0] != 0.5
    assert plausible(hit[0] & hit[1], 0.3**2)
    assert plausible(hit[2] & hit[3], 0.3**2)


def test_each_sample_draws_its_own_amount(generator):
    """With a range, the fractions of the samples are uniformly distributed in it."""
    clean = torch.full((300, 1, 64, 64), 0.5)
    fractions = (SaltAndPepper((0.1, 0.9))(clean, generator).noisy != 0.5).float().mean((1, 2, 3))
    assert stats.kstest(fractions.numpy(), stats.uniform(0.1, 0.8).cdf).pvalue > 1e-3


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    st.booleans(),
)
def test_the_extremes(shape, per_channel):
    """Amount 0 changes nothing, amount 1 everything; salt 0 and 1 leave one colour."""
    clean = torch.full(shape, 0.5)
    assert torch.equal(SaltAndPepper(0.0, per_channel=per_channel)(clean).noisy, clean)
    for salt in (0.0, 1.0):
        noisy = SaltAndPepper(1.0, salt=salt, per_channel=per_channel)(clean).noisy
        assert torch.equal(noisy, torch.full(shape, salt))


def test_it_has_no_sigma(batch, generator):
    """The change of a hit pixel depends on the image, so no standard deviation is reported."""
    assert SaltAndPepper()(batch, generator).sigma is None


def test_half_precision(generator):
    """bfloat16 images stay bfloat16, and black and white are exact there too."""
    clean = torch.full((1, 3, 32, 32), 0.5).bfloat16()
    noisy = SaltAndPepper(0.3)(clean, generator).noisy
    assert noisy.dtype == torch.bfloat16
    assert set(noisy.flatten().tolist()) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize("arguments", [{"amount": 3}, {"amount": (0.2, 0.1)}, {"salt": 1.5}])
def test_arguments_are_fractions(arguments):
    """Percentages, reversed ranges and shares above 1 are refused."""
    with pytest.raises(ValueError, match=next(iter(arguments))):
        SaltAndPepper(**arguments)
