"""Film grain, compared with its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorekit.noise.grain import Grain
from tests.noise.correlations import correlation, flat, seeded


def test_it_is_equal_in_all_channels():
    clean = torch.rand(4, 3, 24, 24, generator=seeded())
    red, green, blue = (Grain()(clean, seeded()).noisy - clean).unbind(1)
    torch.testing.assert_close(red, green, atol=1e-6, rtol=0)
    torch.testing.assert_close(red, blue, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("value", "share"), [(0.5, 1.0), (0.0, 0.3), (1.0, 0.3)])
def test_it_is_strongest_in_the_middle_tones(value, share):
    noise = Grain(0.02, 1.0)(flat(value, 1, 40), seeded()).noisy - value
    assert noise.std().item() == pytest.approx(0.02 * share, rel=0.03)


@pytest.mark.parametrize("radius", [0.6, 2.5])
def test_correlation_is_that_of_the_window(radius):
    """As of scipy's Gaussian filter, which is sampled at whole pixels too."""
    noise = Grain(0.02, radius)(flat(0.5, 1, 60), seeded()).noisy - 0.5
    white = np.random.default_rng(0).standard_normal((512, 512))
    expected = correlation(torch.from_numpy(ndimage.gaussian_filter(white, radius)))
    assert correlation(noise) == pytest.approx(expected, abs=0.03)


def test_a_level_of_0_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        Grain(0.0)
