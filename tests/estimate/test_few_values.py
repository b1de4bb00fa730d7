"""Pages and line art are recognised, and noisy pictures are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from restorekit.estimate.few_values import few_values

SIZE = (200, 320)


def page(height: int, smooth: bool = False) -> Tensor:
    """Black text on white, (1, H, W) from 0 to 255, optionally with smooth edges."""
    image = Image.new("L", SIZE[::-1], 255)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if smooth else "1"
    font = ImageFont.load_default(height)
    for top in range(4, SIZE[0] - height, height + 6):
        draw.text((6, top), "The quick brown fox jumps over it", fill=0, font=font)
    return torch.from_numpy(np.array(image))[None]


def noisy(image: Tensor, sigma: float, seed: int = 0) -> Tensor:
    """An 8-bit image with noise in levels, rounded and clipped."""
    generator = torch.Generator().manual_seed(seed)
    noise = sigma * torch.randn(image.shape, generator=generator)
    return (image + noise).round().clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("height", [9, 12, 24, 36])
@pytest.mark.parametrize("ends", [(0, 255), (20, 235), (127, 128)])
def test_text_of_two_values(height: int, ends: tuple[int, int]) -> None:
    """For any size and values, gray and colour, 8 and 16 bits, and floats."""
    low, high = ends
    levels = torch.where(page(height) > 127, high, low)
    assert few_values(levels.to(torch.uint8), 255) == "two-valued"
    assert few_values(levels.to(torch.uint8).expand(3, -1, -1), 255) == "two-valued"
    assert few_values((levels * 257).to(torch.uint16), 65535) == "two-valued"
    assert few_values(levels / 255, 1.0) == "two-valued"


@pytest.mark.parametrize("bits", [2, 4])
def test_few_gray_levels(bits: int) -> None:
    """A page of 4 or 16 levels, and a drawing of a few flat colours."""
    steps = 2**bits - 1
    levels = (page(24, smooth=True) / 255 * steps).round() / steps * 255
    assert few_values(levels.to(torch.uint8), 255) == "few-valued"
    colours = torch.tensor([[250, 250, 240], [200, 30, 40], [20, 90, 200], [30, 30, 30]])
    drawing = colours[torch.arange(SIZE[0])[:, None] // 60 % 4 * torch.ones(SIZE, dtype=torch.long)]
    assert few_values(drawing.movedim(2, 0).to(torch.uint8), 255) == "few-valued"


def test_letters_with_smooth_edges() -> None:
    """Ink and paper cover most of the page."""
    assert len(page(24, smooth=True).unique()) > 16
    assert few_values(page(24, smooth=True), 255) == "few-valued"


def ramp() -> Tensor:
    """A gray wedge, (1, H, W) of 0 to 255."""
    return torch.linspace(0, 255, SIZE[1]).expand(1, *SIZE)


@pytest.mark.parametrize(
    ("make", "span"),
    [
        (lambda: noisy(page(24), 2), 255),
        (lambda: noisy(page(24, smooth=True), 2), 255),
        (lambda: noisy(torch.zeros(1, *SIZE), 1.5), 255),
        (lambda: noisy(torch.full((1, *SIZE), 255.0), 3), 255),
        (lambda: noisy(ramp(), 0.1), 255),
        (lambda: (1000 + 40 * torch.randn(1, *SIZE)).clamp(0).to(torch.uint16), 4095),
    ],
    ids=["noisy page", "noisy smooth page", "dark frame", "overexposed", "wedge", "12 bits"],
)
def test_pictures_that_are_not_pages(make: Callable[[], Tensor], span: float) -> None:
    """Noise and shading give neighbouring levels, even if there are only a few."""
    torch.manual_seed(0)
    assert few_values(make(), span) is None


def test_a_few_pixels_are_not_a_page() -> None:
    """Few pixels always have few values."""
    assert few_values(torch.arange(0, 240, 16, dtype=torch.uint8).reshape(1, 3, 5), 255) is None


def test_two_values_are_those_of_the_whole_picture() -> None:
    """A third value is found anywhere, in one pixel or in a band of a tall picture."""
    image = torch.zeros(1, 700, 20, dtype=torch.uint8)
    image[:, ::7] = 255
    assert few_values(image, 255) == "two-valued"
    image[0, -1, -1] = 254
    assert few_values(image, 255) != "two-valued"
    bands = torch.arange(3).repeat_interleave(256)[None, :, None].expand(1, 768, 20) * 100
    assert few_values(bands.to(torch.uint8), 255) == "few-valued"
