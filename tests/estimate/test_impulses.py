"""The share of impulses on photographs with known ones, and none where there are none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from torch import Tensor

from restorekit import create_measurement
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.impulses import Impulses

Levels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def measure(levels: Levels) -> Impulses:
    """The impulses of (H, W) or (H, W, C) 8-bit levels, rounded and clipped."""
    pixels = np.atleast_3d(np.asarray(levels, float).round().clip(0, 255))
    found = create_measurement("impulses")(ImageSample.of(unit(pixels), 255))
    assert isinstance(found, Impulses)
    return found


def unit(pixels: Levels) -> Tensor:
    return torch.from_numpy(pixels).movedim(2, 0).float() / 255


def with_impulses(clean: Levels, share: float, salt: float = 0.5, sigma: float = 0) -> Levels:
    """Gaussian noise first, then impulses in all channels of a share of the pixels."""
    random = np.random.default_rng(0)
    noisy = clean + sigma * random.standard_normal(clean.shape)
    chance = random.random(clean.shape[:2])
    noisy[chance < share] = 0
    noisy[chance < share * salt] = 255
    return noisy


def text(height: int, smooth: bool, ink: int = 0, paper: int = 255) -> Levels:
    """A page with small letters, dots and commas."""
    image = Image.new("L", (400, 260), paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(height)
    draw.fontmode = "L" if smooth else "1"
    for top in range(4, 260, round(1.4 * height)):
        draw.text((5, top), "The quick, brown fox; i.e. 12.5 % [j] 'ijk' ...", fill=ink, font=font)
    return np.asarray(image, float)


def screen(period: int) -> Levels:
    """A wedge as black dots that grow."""
    rows, columns = np.mgrid[:192, :192]
    middle = (period - 1) / 2
    radius = np.hypot(rows % period - middle, columns % period - middle)
    return np.where(radius < columns / 192 * radius.max(), 255.0, 0.0)


def stars(background: float, noise: float, width: float) -> Levels:
    """Stars of a Gaussian profile with this standard deviation, some of them saturated."""
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[:300, :300]
    frame = background + noise * random.standard_normal((300, 300))
    for y, x, bright in random.random((80, 3)):
        distance = (rows - 300 * y) ** 2 + (columns - 300 * x) ** 2
        frame += 20 * 100**bright * np.exp(-distance / 2 / width**2)
    return frame


@pytest.mark.parametrize("sigma", [0, 10])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.15, 0.3])
@pytest.mark.parametrize("name", ["camera", "coffee", "chelsea"])
def test_share_on_photographs(name: str, share: float, sigma: float) -> None:
    """Within 10 % in all, half of it salt and half pepper, and hardly any other kind."""
    found = measure(with_impulses(getattr(data, name)().astype(float), share, sigma=sigma))
    assert found.share == pytest.approx(share, rel=0.1)
    assert found.salt == pytest.approx(share / 2, rel=0.15)
    assert found.pepper == pytest.approx(share / 2, rel=0.15)
    assert found.hot + found.dead < 0.01 * share
    assert found.confidence > 0.9


@pytest.mark.parametrize("salt", [0, 1])
def test_impulses_of_one_kind(salt: float) -> None:
    """Only salt, or only pepper."""
    found = measure(with_impulses(data.camera().astype(float), 0.1, salt))
    assert (found.salt, found.pepper) == pytest.approx((0.1 * salt, 0.1 * (1 - salt)), abs=0.005)


def test_impulses_on_a_flat_picture() -> None:
    """Three values are not a page if two of them are at random places."""
    found = measure(with_impulses(np.full((150, 150), 128.0), 0.1))
    assert found.share == pytest.approx(0.1, rel=0.1)


def test_clean_photographs_have_hardly_any() -> None:
    """Fewer than 1 in 10,000 values, also with Gaussian noise."""
    for name in ("camera", "coffee", "chelsea", "astronaut"):
        clean = getattr(data, name)().astype(float)
        assert measure(clean).share < 1e-4
        assert measure(with_impulses(clean, 0, sigma=20)).share < 1e-4


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("height", [9, 10, 11, 12, 16, 24, 36])
def test_text_has_none(height: int, smooth: bool) -> None:
    """Dots of letters are not impulses, black on white or the reverse, 0/255 or gray."""
    for ink, paper in ((0, 255), (255, 0), (20, 235)):
        assert measure(text(height, smooth, ink, paper)).share == 0


@pytest.mark.parametrize("period", range(2, 9))
def test_screens_have_none(period: int) -> None:
    """Dots that repeat are not impulses, sharp or gray and noisy."""
    noise = 4 * np.random.default_rng(0).standard_normal((192, 192))
    assert measure(screen(period)).share == 0
    assert measure(40 + 0.6 * screen(period) + noise).share == 0


def test_dither_and_line_art_have_none() -> None:
    """Neither error diffusion, nor a checkerboard, nor thin lines."""
    photograph = Image.fromarray(data.camera())
    assert measure(255 * np.asarray(photograph.convert("1"), float)).share == 0
    assert measure(255.0 * (np.indices((64, 64)).sum(0) % 2)).share == 0
    drawing = Image.new("L", (300, 300), 255)
    draw = ImageDraw.Draw(drawing)
    for x in range(0, 300, 9):
        draw.line([(x, 0), (300 - x, 300)], fill=0)
        draw.ellipse([x, x / 2, x + 40, x / 2 + 30], outline=0)
    assert measure(np.asarray(drawing)).share == 0


@pytest.mark.parametrize(("background", "noise"), [(0, 0), (20, 3), (100, 10)])
@pytest.mark.parametrize("width", [0.8, 1.5])
def test_stars_are_not_impulses(width: float, background: float, noise: float) -> None:
    """Stars of several pixels, faint or saturated."""
    assert measure(stars(background, noise, width)).share == 0


@pytest.mark.parametrize(("background", "noise"), [(0, 0), (128, 0), (20, 3), (100, 10)])
@pytest.mark.parametrize(("value", "kind"), [(200, "hot"), (255, "salt")])
def test_a_single_pixel_is_found(background: float, noise: float, value: int, kind: str) -> None:
    """One hot pixel in a frame, alone or saturated, and one among stars."""
    frame = background + noise * np.random.default_rng(0).standard_normal((260, 250))
    frame[100, 70] = value
    share = 1 / frame.size
    assert getattr(measure(frame), kind) == pytest.approx(share, rel=0.1)
    if noise:
        frame = stars(background, noise, 1.2)
        frame[140:149, 100:109] = background
        frame[144, 104] = value
        assert getattr(measure(frame), kind) == pytest.approx(1 / frame.size, rel=0.3)


def test_stars_of_a_scaled_down_sky_are_not_hot_pixels() -> None:
    """Narrower than a pixel, in gray and in channels that share them; a hot pixel is none."""
    random = np.random.default_rng(0)
    sky, (rows, columns) = np.zeros((768, 768)), np.mgrid[:768, :768]
    for y, x, bright in random.random((200, 3)):
        distance = (rows - 768 * y) ** 2 + (columns - 768 * x) ** 2
        sky += 20**bright * np.exp(-distance / 4)
    sky = 20 + 11 * sky.reshape(192, 4, 192, 4).mean((1, 3))[..., None]
    noise = random.normal(0, 0.5, (192, 192, 3))
    assert measure(sky + noise[..., :1]).share == 0
    colour = (sky * [1.0, 0.8, 0.6] + noise).clip(0, 255)
    assert measure(colour).share == 0
    colour[70, 40, 1] = 200
    assert measure(colour).hot == pytest.approx(1 / colour.size, rel=0.1)


def test_a_dead_pixel_is_found() -> None:
    """Dark, but not black."""
    frame = 120 + 4 * np.random.default_rng(0).standard_normal((200, 200))
    frame[50, 60] = 15
    found = measure(frame)
    assert found.dead == pytest.approx(1 / frame.size, rel=0.1)
    assert found.share == found.dead
    assert found.words.startswith("dead")
