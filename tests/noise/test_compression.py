"""JPEG noise against PIL's own compression of the same picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from restorekit.errors import InputError
from restorekit.noise.compression import JPEG


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def astronaut(side: int = 128) -> torch.Tensor:
    return torch.from_numpy(data.astronaut()[:side, :side].copy()).movedim(-1, 0)[None] / 255.0


def loss(noise: JPEG, clean: torch.Tensor) -> float:
    return float((noise(clean, seeded()).noisy - clean).square().mean())


def test_loses_what_jpeg_loses():
    """The mean error equals that of PIL at the same quality, up to the position of the blocks."""
    clean = astronaut()
    file = io.BytesIO()
    Image.fromarray(np.uint8(clean[0].movedim(0, -1) * 255 + 0.5)).save(
        file, "JPEG", quality=50, subsampling="4:4:4"
    )
    decoded = torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0)[None] / 255.0
    expected = float((decoded - clean).square().mean())
    assert loss(JPEG(50, halved_colour=0.0), clean) == pytest.approx(expected, rel=0.1)


def test_lower_quality_and_halved_colour_lose_more():
    clean = astronaut()
    by_quality = [loss(JPEG(quality, 0.0), clean) for quality in (95, 75, 40, 10)]
    assert by_quality == sorted(by_quality)
    assert loss(JPEG(90, 1.0), clean) > loss(JPEG(90, 0.0), clean)


def test_blocks_begin_anywhere():
    """The block boundaries of equal samples lie at different columns."""
    ramp = torch.linspace(0.2, 0.8, 64).expand(1, 1, 64, 64)
    noisy = JPEG(10)(ramp.expand(32, 1, 64, 64), seeded()).noisy
    steps = (noisy[:, 0, 32, 1:] - noisy[:, 0, 32, :-1]).abs().argmax(1) % 8
    assert len(set(steps.tolist())) > 4


def test_levels_are_those_of_a_file():
    """All values are multiples of 1/255."""
    levels = JPEG(60)(astronaut(40), seeded()).noisy * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size(size, channels):
    clean = torch.rand(2, channels, *size, generator=seeded())
    assert JPEG()(clean, seeded()).noisy.shape == clean.shape


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="quality"):
        JPEG((90, 40))
    with pytest.raises(ValueError, match="quality"):
        JPEG(0)
    with pytest.raises(ValueError, match="halved_colour"):
        JPEG(halved_colour=2)
    with pytest.raises(InputError, match="1 or 3 channels"):
        JPEG()(torch.rand(1, 4, 8, 8))
