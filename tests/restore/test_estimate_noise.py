"""estimate_noise accepts the images of denoise, and finds the same level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import Denoiser, InputError, create_model, estimate_noise, estimate_sigma

LEVELS = np.array([10.0, 20.0, 30.0])  # in 8-bit levels


@pytest.fixture
def pixels() -> Any:
    """A flat 8-bit colour picture (96, 80, 3) with a different noise level in each channel."""
    noisy = np.random.default_rng(0).normal(128, LEVELS, (96, 80, 3))
    return noisy.round().clip(0, 255).astype(np.uint8)


def test_every_kind_of_image(pixels: Any, tmp_path: Path) -> None:
    """An array, a PIL image, a path, a tensor and floats give the true level of each channel."""
    Image.fromarray(pixels).save(tmp_path / "a.png")
    unit = torch.from_numpy(pixels).movedim(2, 0) / 255
    images = [
        pixels,
        Image.fromarray(pixels),
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        torch.from_numpy(pixels).movedim(2, 0),
        unit,
        unit.movedim(0, 2).numpy(),
    ]
    for image in images:
        assert estimate_noise(image).numpy() * 255 == pytest.approx(LEVELS, rel=0.1)
    assert torch.allclose(estimate_noise(unit), estimate_sigma(unit[None])[0])


def test_shapes(pixels: Any) -> None:
    """A level for each channel, for each image of a batch; alpha is not measured."""
    batch = torch.from_numpy(pixels).movedim(2, 0)[None].expand(2, -1, -1, -1)
    assert estimate_noise(batch).shape == (2, 3)
    assert estimate_noise(pixels[..., 0]).shape == (1,)
    assert estimate_noise(np.dstack([pixels, pixels[..., 0]])).shape == (3,)
    assert estimate_noise(np.dstack([pixels, pixels[..., 0]]), alpha=False).shape == (4,)


def test_it_is_the_level_that_denoise_finds(pixels: Any) -> None:
    """Both report the same level."""
    outcome = Denoiser(create_model("median")).restore(pixels)
    assert estimate_noise(pixels).tolist() == pytest.approx(outcome.sigma)


def test_the_range_and_the_estimator(pixels: Any) -> None:
    """The level is relative to black and white, and another estimator can be chosen."""
    wide = pixels.astype(np.float32) * 10
    found = estimate_noise(wide, black=0, white=2550)
    assert found.numpy() == pytest.approx(LEVELS / 255, rel=0.1)
    assert estimate_noise(pixels, "mad").numpy() == pytest.approx(LEVELS / 255, rel=0.15)


def test_what_is_not_an_image() -> None:
    """It is refused as by denoise."""
    with pytest.raises(InputError, match="NoneType"):
        estimate_noise(None)
