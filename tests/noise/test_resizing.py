"""Noise after resizing, compared with PIL's bicubic interpolation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit.noise.resizing import Resized
from tests.noise.correlations import correlation, flat, seeded

WHITE = {"name": "gaussian", "std": 0.05}


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0, 1.5, 3.0])
def test_noise_is_that_of_a_resized_picture(scale):
    """Standard deviation and correlation of neighbours are those after PIL has resized it."""
    side = round(120 / scale)
    fields = np.random.default_rng(0).normal(0, 0.05, (40, side, side)).astype(np.float32)
    theirs = torch.from_numpy(
        np.stack([Image.fromarray(x).resize((120, 120), Image.Resampling.BICUBIC) for x in fields])
    )
    ours = Resized(WHITE, scale)(flat(0.5, 1, 40, 120), seeded()).noisy - 0.5
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.03)
    assert correlation(ours) == pytest.approx(correlation(theirs), abs=0.03)


def test_the_picture_stays():
    """Without noise, it is not blurred by the resizing."""
    clean = torch.rand(2, 3, 30, 41, generator=seeded())
    noisy = Resized({"name": "gaussian", "std": 0.0}, 0.6)(clean, seeded()).noisy
    torch.testing.assert_close(noisy, clean)


def test_a_scale_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"scale must be between 0\.25 and 4"):
        Resized(WHITE, 0.0)
