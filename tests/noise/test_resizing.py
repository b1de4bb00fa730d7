"""Noise after resizing, and pictures at a lower resolution, compared with PIL."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit.noise.resizing import Downscale, Resized
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


@pytest.mark.parametrize(
    ("method", "filter"),
    [
        ("bicubic", Image.Resampling.BICUBIC),
        ("bilinear", Image.Resampling.BILINEAR),
        ("area", Image.Resampling.BOX),
        ("nearest", Image.Resampling.NEAREST),
    ],
)
def test_a_lower_resolution_is_that_of_pil(method, filter):
    """The picture is made smaller by PIL's filter of that name, and brought back by its bicubic."""
    clean = torch.rand(1, 1, 32, 48, generator=seeded())
    small = Image.fromarray(clean[0, 0].numpy()).resize((24, 16), filter)
    expected = np.array(small.resize((48, 32), Image.Resampling.BICUBIC)).clip(0, 1)
    noisy = Downscale(2, method)(clean, seeded()).noisy
    np.testing.assert_allclose(noisy[0, 0], expected, atol=1e-5)


def test_each_sample_has_its_own_resolution():
    """Equal samples become different, and a larger factor leaves less detail."""
    picture = torch.rand(1, 3, 37, 29, generator=seeded())
    noisy = Downscale((1.5, 6.0))(picture.expand(6, -1, -1, -1), seeded()).noisy
    assert len({sample.numpy().tobytes() for sample in noisy}) == 6
    contrasts = [float(Downscale(f)(picture, seeded()).noisy.std()) for f in (1, 2, 4, 16)]
    assert contrasts == sorted(contrasts, reverse=True)
    torch.testing.assert_close(Downscale(1.0)(picture, seeded()).noisy, picture)


def test_a_factor_below_one_is_refused():
    with pytest.raises(ValueError, match="factor must be between 1 and 16"):
        Downscale(0.5)
