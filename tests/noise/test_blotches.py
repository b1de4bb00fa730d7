"""Blotches of colour, compared with the theory of blurred white noise."""

from __future__ import annotations

import pytest
import torch

from restorekit.errors import InputError
from restorekit.noise.blotches import Blotches
from tests.noise.correlations import correlation, correlation_of_blurred, flat, seeded


def colour_differences(noise: torch.Tensor) -> torch.Tensor:
    """Cb and Cr of ITU-R BT.601, (2, B, H, W)."""
    red, green, blue = noise.unbind(1)
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([(blue - gray) / 1.772, (red - gray) / 1.402])


def test_only_colour_changes():
    noise = Blotches(0.02)(flat(0.5), seeded()).noisy - 0.5
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert torch.einsum("c,bchw->bhw", weights, noise).abs().max() < 1e-5


@pytest.mark.parametrize("radius", [0.0, 1.0, 4.0])
def test_both_colour_differences_have_the_standard_deviation(radius):
    """Whatever the size of the blotches, in the whole picture up to its border."""
    noise = Blotches(0.02, radius)(flat(0.5, samples=200, side=64), seeded()).noisy - 0.5
    for difference in colour_differences(noise):
        assert difference.std().item() == pytest.approx(0.02, rel=0.03)
        assert difference[:, 0].std().item() == pytest.approx(0.02, rel=0.08)


@pytest.mark.parametrize("radius", [1.5, 3.0, 6.0])
def test_correlation_is_that_of_the_window(radius):
    blue, red = colour_differences(Blotches(0.02, radius)(flat(0.5, samples=150), seeded()).noisy)
    for lag in (2, 5):
        expected = correlation_of_blurred(radius, lag)
        assert correlation(blue, lag) == pytest.approx(expected, abs=0.04)
        assert correlation(red.mT, lag) == pytest.approx(expected, abs=0.04)


def test_gray_pictures_are_refused():
    with pytest.raises(InputError, match="for 3 channels, got 1"):
        Blotches()(flat(0.5, 1), seeded())
