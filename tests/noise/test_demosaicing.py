"""Demosaicing, against its definition and the published kernels."""

from __future__ import annotations

import pytest
import torch

from restorekit.noise.demosaicing import demosaic, demosaiced, random_mosaic
from restorekit.noise.parameters import Draws
from tests.noise.correlations import seeded

METHODS = ("bilinear", "malvar", "nearest", "none")


def mosaic_of(batch: torch.Tensor):
    return random_mosaic(batch.shape[-2:], Draws(batch, seeded()))


def test_a_mosaic_is_that_of_bayer():
    """Each 2x2 window has one red, two greens on a diagonal and one blue, from any of 4 starts."""
    batch = torch.zeros(40, 3, 6, 8)
    mosaic = mosaic_of(batch)
    places = torch.stack([mosaic.red, mosaic.green, mosaic.blue]).expand(3, 40, 1, 6, 8)
    assert (places.sum(0) == 1).all()
    windows = torch.nn.functional.avg_pool2d(places.flatten(0, 1).float(), 2, 1) * 4
    counts = windows.view(3, 40, 1, 5, 7)
    assert (counts == torch.tensor([1.0, 2.0, 1.0]).view(3, 1, 1, 1, 1)).all()
    starts = {tuple(mosaic.red[i, 0, :2, :2].flatten().tolist()) for i in range(40)}
    assert len(starts) == 4


@pytest.mark.parametrize("method", METHODS)
def test_flat_colours_stay(method):
    """For Malvar's method, which assumes that colours change together, only gray."""
    level = torch.tensor([0.5, 0.5, 0.5] if method == "malvar" else [0.2, 0.5, 0.7])
    batch = level.view(1, 3, 1, 1).expand(6, 3, 9, 12)
    torch.testing.assert_close(demosaic(batch, mosaic_of(batch), method), batch)


@pytest.mark.parametrize("method", ["bilinear", "malvar"])
def test_gray_ramps_stay(method):
    """Both methods interpolate linearly."""
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(14.0), indexing="ij")
    batch = (0.3 * rows - 0.2 * columns).expand(8, 3, 12, 14)
    made = demosaic(batch, mosaic_of(batch), method)[..., 2:-2, 2:-2]
    torch.testing.assert_close(made, batch[..., 2:-2, 2:-2], atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_measured_values_stay(method):
    """At its own places a colour is not changed, except that "nearest" takes those of its cell."""
    batch = torch.rand(5, 3, 8, 10, generator=seeded())
    mosaic = mosaic_of(batch)
    made = demosaic(batch, mosaic, method)
    for channel, places in enumerate((mosaic.red, mosaic.green, mosaic.blue)):
        if method == "nearest" and channel == 1:
            continue
        measured = places.expand(5, 1, 8, 10)[:, 0]
        torch.testing.assert_close(made[:, channel][measured], batch[:, channel][measured])


# Means over the four places of the sum of squared coefficients. Malvar, He and Cutler, figure 2.
VARIANCES = {
    "bilinear": ((1 + 0.5 + 0.5 + 0.25) / 4, (1 + 0.25) / 2),
    "malvar": ((1 + 2 * 63.5 / 64 + 61 / 64) / 4, (1 + 36 / 64) / 2),
    "nearest": (1.0, 0.5),
    "none": (1.0, 1.0),
}


@pytest.mark.parametrize("method", METHODS)
def test_variance_is_that_of_the_coefficients(method):
    batch = torch.randn(24, 3, 64, 64, generator=seeded())
    made = demosaic(batch, mosaic_of(batch), method)
    red, green, blue = made.var((0, 2, 3)).tolist()
    other, expected = VARIANCES[method]
    assert green == pytest.approx(expected, rel=0.03)
    assert red == pytest.approx(other, rel=0.03)
    assert blue == pytest.approx(other, rel=0.03)


def test_each_sample_gets_one_method():
    """Each is chosen about as often as its weight says."""
    batch = torch.randn(200, 3, 32, 32, generator=seeded())
    weights = {"none": 0.5, "nearest": 0.3, "bilinear": 0.2}
    green = demosaiced(batch, weights, Draws(batch, seeded(1)))[:, 1].var((1, 2))
    counts = [int((green > 0.8).sum()), int((green < 0.56).sum())]
    assert 75 < counts[0] < 125
    assert 35 < counts[1] < 85
