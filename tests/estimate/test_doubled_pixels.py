"""Noise that has one value in squares of 2x2 pixels."""

from __future__ import annotations

import io
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor
from torch.nn import functional

from restorekit import create_measurement
from restorekit.estimate.doubled_pixels import doubled_grid
from restorekit.estimate.image_sample import ImageSample

CLEAN = torch.from_numpy(data.astronaut()[:192, :256].copy()).movedim(2, 0).float() / 255


def white(height: int, width: int, level: float) -> Tensor:
    return level / 255 * torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))


def doubled(level: float, top: int = 0, left: int = 0) -> Tensor:
    """The photograph with noise in squares that start at this row and column."""
    noise = white(97, 129, level).repeat_interleave(2, 1).repeat_interleave(2, 2)
    noise = noise[:, (2 - top) % 2 :, (2 - left) % 2 :][:, :192, :256]
    return ((CLEAN + noise).clamp(0, 1) * 255).round() / 255


def as_jpeg(image: Tensor, quality: int) -> Tensor:
    pixels = (image.clamp(0, 1) * 255).round().byte().movedim(0, 2).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).movedim(2, 0).float() / 255


@pytest.mark.parametrize(("top", "left"), list(product((0, 1), (0, 1))))
def test_the_squares_are_found(top: int, left: int) -> None:
    """Wherever they start."""
    assert doubled_grid(doubled(12, top, left)[None]) == (top, left)
    assert doubled_grid(doubled(12, top, left)[None, :1]) == (top, left)


def test_the_squares_are_found_in_a_jpeg() -> None:
    """Of high quality."""
    assert doubled_grid(as_jpeg(doubled(20), 95)[None]) == (0, 0)


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_blocks_of_a_jpeg_do_not_count(quality: int) -> None:
    """Nor are the colours, which it has at half of the resolution."""
    assert doubled_grid(as_jpeg(CLEAN, quality)[None]) is None
    assert doubled_grid(as_jpeg(CLEAN + white(192, 256, 15), quality)[None]) is None


def test_other_noise_has_none() -> None:
    """White noise, and noise that was enlarged with interpolation."""
    assert doubled_grid(CLEAN[None]) is None
    assert doubled_grid((CLEAN + white(192, 256, 15))[None]) is None
    half = white(96, 128, 20)[None]
    for mode in ("bilinear", "bicubic"):
        noise = functional.interpolate(half, scale_factor=2, mode=mode)
        assert doubled_grid(CLEAN[None] + noise) is None
    assert doubled_grid(torch.zeros(1, 3, 64, 64)) is None
    assert doubled_grid(CLEAN[None, :, :16, :16]) is None


def test_the_level_is_that_of_the_squares() -> None:
    """The averages over squares have the level of the pixels, and larger averages half of it."""
    found = create_measurement("noise_scales")(ImageSample.of(doubled(15), 255))
    assert found.grid == (0, 0)
    assert found.overall[0] == found.overall[1] == pytest.approx(15 / 255, rel=0.15)
    assert found.overall[2] == pytest.approx(7.5 / 255, rel=0.15)
    assert "squares of 2x2 pixels" in found.words
