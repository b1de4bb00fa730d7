"""Pixels without a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.pictures.read_files import read_picture
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.missing_pixels import fill_missing
from restorekit.restore.pixel_meaning import PixelMeaning


class Blurring(nn.Module):
    """The mean of 3x3 pixels, which spreads values that are not finite."""

    channels = 1

    def forward(self, noisy: Tensor) -> Tensor:
        self.noisy = noisy
        return nn.functional.avg_pool2d(nn.functional.pad(noisy, (1,) * 4, "replicate"), 3, 1)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (64, 33)])
def test_gaps_of_a_plain_image_are_as_the_rest(size: tuple[int, int]) -> None:
    """For gaps of any size; other pixels are unchanged."""
    image = torch.full((1, 2, *size), 7.5, dtype=torch.float64)
    gaps = torch.rand(image.shape) < 0.7
    gaps[..., 0, 0] = False
    image[gaps] = torch.nan
    assert torch.allclose(fill_missing(image, gaps), torch.tensor(7.5, dtype=torch.float64))


def test_gaps_are_as_noisy_as_the_rest() -> None:
    """A gap is filled with noise, so that the noise is not measured in a quiet place."""
    image = 0.5 + 0.1 * torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(1))
    gaps = torch.zeros(image.shape, dtype=torch.bool)
    gaps[..., :128] = True
    inside = fill_missing(image, gaps)[gaps]
    assert float(inside.std()) == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("in_place", [False, True])
def test_pixels_without_a_value_come_back_alone(value: float, in_place: bool) -> None:
    """They keep their value, and their neighbours are restored as if they had been filled."""
    image = np.random.default_rng(0).random((40, 30), np.float32)
    image[10:14, 5], image[0, 0] = value, value
    gaps, given, model = ~(np.abs(image) < 10), image.copy(), Blurring()
    restored = Denoiser(model).restore(image, in_place).image
    assert np.array_equal(restored[gaps], given[gaps], equal_nan=True)
    assert np.isfinite(restored[~gaps]).all()
    assert np.abs(restored[~gaps]).max() <= 1
    assert bool(torch.isfinite(model.noisy).all())
    assert np.array_equal(denoise(given, Blurring(), strength=0), given, equal_nan=True)


def test_hot_pixel_of_a_detector_is_kept() -> None:
    """It does not count as white, and stays within the range of its type."""
    counts = np.random.default_rng(0).integers(0, 4000, (40, 30), dtype=np.int32)
    counts[20, 20] = 2**31 - 1
    with pytest.warns(UserWarning, match="white 4095"):
        restored: Any = denoise(counts, Blurring())
    assert restored[20, 20] == 2**31 - 1
    assert np.delete(restored.ravel(), 20 * 30 + 20).max() <= 4095


def test_image_without_any_value_is_refused() -> None:
    """There is nothing to fill it from."""
    with pytest.raises(InputError, match="all are NaN or infinite"):
        denoise(np.full((4, 4), np.nan), Blurring())


@pytest.mark.parametrize("kind", ["float32", "int16", "uint8"])
def test_value_that_stands_for_none_is_kept(tmp_path: Path, kind: str) -> None:
    """GDAL's no-data value does not affect the range or its neighbours."""
    values = np.linspace(0, 200, 1200).reshape(40, 30).astype(kind)
    empty = {"float32": -3.4028234663852886e38, "int16": -9999, "uint8": 255}[kind]
    values[10:30, 5:20] = empty
    tag = (42113, "s", 0, str(empty), True)
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[tag], metadata=None)
    picture = read_picture(tmp_path / "a.tif")
    assert (picture.black, picture.white) == (0, 255)
    model = Blurring()
    denoiser = Denoiser(model, force=True)
    restored = denoiser.restore(picture.pixels.copy(), meaning=PixelMeaning.of(picture)).image
    assert np.array_equal(restored == values.dtype.type(empty), picture.pixels == empty)
    assert float(model.noisy.min()) > -0.2
    assert float(model.noisy.max()) < 0.95
