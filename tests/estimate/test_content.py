"""What kind of picture a sample is, on photographs and on pictures made by rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from restorekit import create_measurement
from restorekit.estimate.content import Content
from restorekit.estimate.image_sample import ImageSample

Levels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
PHOTOGRAPHS = ("camera", "coffee", "chelsea", "astronaut", "brick", "grass", "gravel", "coins")


def measure(levels: Levels, steps: int | None = 255) -> Content:
    """The content of (H, W) or (H, W, C) 8-bit levels, or of floats without steps."""
    image = torch.from_numpy(np.atleast_3d(np.asarray(levels, float))).movedim(2, 0).float() / 255
    if steps:
        image = (image * steps).round().clamp(0, steps) / steps
    found = create_measurement("content")(ImageSample.of(image, steps))
    assert isinstance(found, Content)
    return found


def text(height: int, smooth: bool) -> Levels:
    image = Image.new("L", (400, 260), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(height)
    draw.fontmode = "L" if smooth else "1"
    for top in range(4, 260, round(1.4 * height)):
        draw.text((5, top), "The quick, brown fox jumps over it", fill=0, font=font)
    return np.asarray(image, float)


def screened(period: float, angle: float) -> Levels:
    """A photograph behind a screen of cosines."""
    picture = data.camera()[100:356, 100:356] / 255.0
    rows, columns = np.mgrid[:256, :256] * 2 * np.pi / period
    u = np.cos(columns * np.cos(angle) + rows * np.sin(angle))
    v = np.cos(rows * np.cos(angle) - columns * np.sin(angle))
    return np.where((u + v) / 4 + 0.5 < picture, 255.0, 0.0)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs(name: str) -> None:
    """Also with noise, textures and repeated bricks."""
    clean = getattr(data, name)().astype(float)
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    for sigma in (0, 3, 25):
        found = measure(clean + sigma * noise)
        assert (found.kind, found.period, found.is_gray) == ("photograph", None, False)
        assert found.confidence > 0.9
        assert found.linear == 0
    assert not measure(clean + 3 * noise).is_clean


@pytest.mark.parametrize("height", [9, 12, 24, 36])
def test_pages(height: int) -> None:
    """Sharp text has two values, smooth text few."""
    assert measure(text(height, smooth=False)).kind == "two-valued"
    assert measure(text(height, smooth=True)).kind == "few-valued"


@pytest.mark.parametrize("angle", [0, np.pi / 12, np.pi / 4])
@pytest.mark.parametrize("period", [3, 4.5, 6, 8])
def test_halftone(period: float, angle: float) -> None:
    """At any angle, in two values and as noisy gray; the period is that along rows or columns."""
    sharp = screened(period, angle)
    noise = np.random.default_rng(0).standard_normal(sharp.shape)
    for picture in (sharp, 40 + 0.6 * sharp + 5 * noise):
        found = measure(picture)
        assert found.kind == "halftone"
        assert found.period == pytest.approx(period / np.cos(angle), rel=0.06)


def test_dither_and_checkerboards() -> None:
    """Error diffusion has no period, a checkerboard has 2; noise is neither."""
    dithered = measure(255 * np.asarray(Image.fromarray(data.camera()).convert("1"), float))
    assert (dithered.kind, dithered.period) == ("halftone", None)
    rows, columns = np.mgrid[:128, :128]
    noise = np.random.default_rng(0).standard_normal((128, 128))
    for board in (255.0 * ((rows + columns) % 2), 100 + 40.0 * ((rows + columns) % 2) + 5 * noise):
        found = measure(board)
        assert (found.kind, found.period) == ("halftone", pytest.approx(2))
    assert measure(128 + 30 * noise).kind == "photograph"


def test_gray_stored_as_colour() -> None:
    """Only if all channels are equal everywhere."""
    gray = np.repeat(data.camera()[..., None].astype(float), 3, 2)
    assert measure(gray).is_gray
    gray[7, 9, 1] += 1
    assert not measure(gray).is_gray
    assert not measure(gray[..., 0]).is_gray


def test_the_part_of_the_range_that_is_used() -> None:
    """A picture on a pedestal; single bright pixels do not count."""
    picture = 120 + 0.05 * data.camera().astype(float)
    picture[5, 5:10] = 255
    found = measure(picture)
    assert found.is_on_pedestal
    assert found.low == pytest.approx(120 / 255, abs=0.01)
    assert found.high == pytest.approx((120 + 0.05 * 255) / 255, abs=0.01)
    assert not measure(data.camera().astype(float)).is_on_pedestal


def test_saturated_shares() -> None:
    """Counted exactly."""
    picture = np.full((50, 40), 99.0)
    picture[:10] = 255
    picture[10:15] = 0
    found = measure(picture)
    assert (found.white, found.black) == (pytest.approx(0.2), pytest.approx(0.1))


def test_clean_is_relative_to_the_contrast() -> None:
    """Noise that is weak on the scale of white is not weak on a pedestal."""
    ramp = np.linspace(0, 1, 256 * 256).reshape(256, 256)
    noise = 0.3 * np.random.default_rng(0).standard_normal((256, 256))
    assert measure(250 * ramp + noise, steps=65535).is_clean
    assert not measure(100 + 10 * ramp + noise, steps=65535).is_clean


def test_linear_light() -> None:
    """Highlights above white are certain; dark tones are evidence; integers never count."""
    picture = data.astronaut() / 255.0
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    assert measure(255 * linear, steps=None).linear > 0.5
    assert measure(255 * data.coffee() / 255.0, steps=None).linear < 0.5
    assert measure(255 * 3 * linear, steps=None).linear == 1
    assert measure(255 * linear).linear == 0
