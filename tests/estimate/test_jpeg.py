"""JPEG quality and block grid, against what Pillow wrote."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from restorekit import create_measurement
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.jpeg import Jpeg, nearest_quality


def compressed(name: str, quality: int, subsampling: str = "4:4:4") -> Image.Image:
    buffer = io.BytesIO()
    image = Image.fromarray(getattr(data, name)())
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return Image.open(buffer)


def unit(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.atleast_3d(np.array(image))).movedim(2, 0).float() / 255


def measure(image: Tensor) -> Jpeg:
    found = create_measurement("jpeg")(ImageSample.of(image, 255))
    assert isinstance(found, Jpeg)
    return found


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 97])
@pytest.mark.parametrize(
    ("name", "subsampling"), [("camera", "4:4:4"), ("coffee", "4:4:4"), ("chelsea", "4:2:0")]
)
def test_quality_from_pixels(name: str, subsampling: str, quality: int) -> None:
    """Within 2 of what was asked for."""
    found = measure(unit(compressed(name, quality, subsampling)))
    assert found.quality is not None
    assert abs(found.quality - quality) <= 2
    assert (found.source, found.top, found.left) == ("pixels", 0, 0)
    assert found.confidence > 0.4


def test_grid_of_a_crop() -> None:
    """The first borders lie where the crop puts them."""
    found = measure(unit(compressed("coffee", 60))[:, 3:, 6:])
    assert (found.top, found.left) == (5, 2)
    assert found.quality is not None
    assert abs(found.quality - 60) <= 2


@pytest.mark.parametrize("quality", [90, 95, 97])
@pytest.mark.parametrize("name", ["camera", "coffee", "astronaut"])
def test_high_quality_of_a_crop(name: str, quality: int) -> None:
    """The blocks are found by their coefficients where their borders cannot be seen."""
    found = measure(unit(compressed(name, quality))[:, 101:357, 94:350])
    assert (found.top, found.left) == (3, 2)
    assert found.quality is not None
    assert abs(found.quality - quality) <= 1


@pytest.mark.parametrize("name", ["camera", "coffee", "brick", "gravel", "astronaut"])
def test_no_quality_without_compression(name: str) -> None:
    """Neither in a picture that never was a JPEG, nor in a JPEG under strong noise."""
    assert measure(unit(Image.fromarray(getattr(data, name)()))).quality is None
    image = unit(compressed(name, 80))
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    found = measure(image + 0.1 * noise)
    assert (found.quality, found.source, found.confidence) == (None, None, 0)


@pytest.mark.parametrize("name", ["moon", "page", "camera"])
@pytest.mark.parametrize("threshold", [90, 128])
def test_no_quality_of_two_values(name: str, threshold: int) -> None:
    """The coefficients of blocks of two values repeat, but a JPEG has more values."""
    picture = torch.from_numpy(getattr(data, name)() > threshold).float()[None]
    assert measure(picture).quality is None


@pytest.mark.parametrize("name", ["camera", "coffee"])
def test_quality_under_weak_noise(name: str) -> None:
    """Noise of 3/255 hides it in part only."""
    image = unit(compressed(name, 75))
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    found = measure(image + 3 / 255 * noise)
    assert found.quality is not None
    assert abs(found.quality - 75) <= 3


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 92, 99])
def test_tables_of_libjpeg_give_their_quality(quality: int) -> None:
    """Whatever Pillow writes into the file."""
    tables = compressed("camera", quality).quantization  # type: ignore[attr-defined]
    assert nearest_quality(dict(enumerate(tables[0]))) == quality


def test_blockiness_grows_as_quality_falls() -> None:
    """And is weak in an uncompressed photograph."""
    strengths = [measure(unit(compressed("coffee", q))).blockiness for q in (90, 60, 30, 10)]
    assert strengths == sorted(strengths)
    assert measure(unit(Image.fromarray(data.coffee()))).blockiness < strengths[1]
