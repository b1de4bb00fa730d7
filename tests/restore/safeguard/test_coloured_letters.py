"""Coloured letters on noisy pages do not lose more than their noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from torch import Tensor

from restorekit import Denoiser
from restorekit.restore.safeguard.coloured_letters import applied_share, is_page

Colour = tuple[int, int, int]
GREEN, BLUE, BLACK, YELLOW = (20, 120, 40), (30, 60, 120), (0, 0, 0), (250, 235, 160)


def page(ink: Colour, paper: Colour) -> np.ndarray:
    """Lines of text of 12 pixels."""
    image = Image.new("RGB", (256, 160), paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    for y in range(10, 140, 26):
        draw.text((10, y), "sphinx of black quartz, judge my vow", ink, font=font)
    return np.asarray(image)


def unit(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).movedim(2, 0)[None]


@pytest.mark.parametrize("sigma", [5, 10])
def test_coloured_letters_do_not_get_worse(sigma: int) -> None:
    """Around the letters the error is smaller than before, and 85 % of their contrast is left."""
    clean = page(GREEN, BLUE)
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    noisy = (clean + noise).clip(0, 255).round().astype(np.uint8)
    restored = Denoiser()(noisy)
    rows = (clean != clean[0, 0]).any((1, 2))
    before, after = (((x.astype(float) - clean)[rows] ** 2).mean() for x in (noisy, restored))
    assert after < before
    letters, left = clean[rows] - np.array(BLUE, float), restored[rows] - np.array(BLUE, float)
    assert (letters * left).sum() > 0.85 * (letters**2).sum()


def test_pages_are_recognised() -> None:
    """Photographs, gray pictures and tiny ones are not."""
    for sigma in (5 / 255, 15 / 255):
        assert is_page(unit(page(GREEN, BLUE)), sigma)
        for name in ("astronaut", "coffee", "chelsea"):
            assert not is_page(unit(getattr(data, name)()), sigma)
        assert not is_page(unit(page(GREEN, BLUE))[:, :1], sigma)
        assert not is_page(torch.zeros(1, 3, 4, 4), sigma)


def test_only_colour_counts() -> None:
    """Around black letters, and on empty paper, the change is applied in full."""
    black, coloured = (
        applied_share(unit(page(ink, paper)), 5 / 255, 8)
        for ink, paper in ((BLACK, YELLOW), (GREEN, BLUE))
    )
    assert float(black.min()) > 0.9
    assert float(coloured[..., 10:140, 20:180].mean()) < 0.6
    assert float(coloured[..., 152:, :].min()) == 1
