"""Impulses are filled before a network sees the image, and everything else stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from torch import Tensor, nn

from restorekit import Denoiser
from restorekit.errors import ArgumentError
from restorekit.estimate.impulses import Impulses
from restorekit.restore.canvas import Canvas
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import open_image
from restorekit.restore.impulse_removal.fill import filled
from restorekit.restore.impulse_removal.find import find_impulses_of


class Unchanged(nn.Module):
    """Returns what it gets, so that the result is what a network sees."""

    channels = None

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        return noisy


def denoiser(mode: str = "on") -> Denoiser:
    return Denoiser(Unchanged(), impulses=mode, force=True)


def photograph(dtype: str, colour: bool) -> np.ndarray:
    """A part of a photograph, in a type of 8 or 16 bits or floats."""
    image = data.astronaut()[:160, :200] if colour else data.camera()[:160, :200]
    if dtype == "uint16":
        return image.astype(np.uint16) * 257
    return image if dtype == "uint8" else (image / 255).astype(dtype)


def hit_by(image: np.ndarray, share: float, per_channel: bool) -> tuple[np.ndarray, np.ndarray]:
    """The image with salt and pepper, and the mask of the values that are hit."""
    random = np.random.default_rng(0)
    chance = random.random(image.shape if per_channel else image.shape[:2])
    if chance.ndim < image.ndim:
        chance = np.repeat(chance[..., None], image.shape[2], 2)
    given, white = image.copy(), 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    given[chance < share], given[chance < share / 2] = 0, white
    return given, chance < share


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("colour", "per_channel"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("share", [0.001, 0.1])
def test_impulses_are_filled(dtype: str, colour: bool, per_channel: bool, share: float) -> None:
    """The error falls to a twentieth; of all other values hardly any changes."""
    clean = photograph(dtype, colour)
    given, hit = hit_by(clean, share, per_channel)
    outcome = denoiser().restore(given)
    before, after = (np.square(x.astype(float) - clean).mean() for x in (given, outcome.image))
    assert after < before / 20
    assert (outcome.image != given)[~hit].mean() < 0.003
    assert outcome.impulses == pytest.approx(hit.mean(), rel=0.3)


def test_a_hot_pixel_of_a_dark_frame() -> None:
    """In 16 bits, in one of two images of a batch; the rest of both stays."""
    random = np.random.default_rng(0)
    frames = (random.normal(500, 20, (2, 1, 64, 64))).astype(np.int32).clip(0, 65535)
    clean = torch.from_numpy(frames).to(torch.uint16)
    given = frames.copy()
    given[1, 0, 30, 31] = 4000
    outcome = denoiser().restore(torch.from_numpy(given).to(torch.uint16))
    changed = outcome.image.int() != torch.from_numpy(given)
    assert changed.nonzero().tolist() == [[1, 0, 30, 31]]
    assert abs(int(outcome.image[1, 0, 30, 31]) - int(clean[1, 0, 30, 31])) < 120


def test_hot_pixels_of_a_large_image() -> None:
    """In any channel and near any seam of the bands in which it is searched."""
    random = np.random.default_rng(0)
    given = random.normal(60, 1, (1100, 24, 3)).clip(0, 255).astype(np.uint8)
    places = [(5, 9, 2), (511, 7, 0), (512, 12, 1), (1023, 11, 2), (1026, 5, 1)]
    for place in places:
        given[place] = 200
    changed = denoiser()(given) != given
    assert list(zip(*(each.tolist() for each in changed.nonzero()), strict=True)) == places


@pytest.mark.parametrize("colour", [False, True])
def test_stars_of_a_scaled_down_sky_stay(colour: bool) -> None:
    """Stars narrower than a pixel, in the mean of 4x4 pixels; a hot pixel does not."""
    random = np.random.default_rng(0)
    sky, (rows, columns) = np.zeros((512, 512)), np.mgrid[:512, :512]
    for y, x, bright in random.random((120, 3)):
        distance = (rows - 512 * y) ** 2 + (columns - 512 * x) ** 2
        sky += 20**bright * np.exp(-distance / 4)
    sky = sky.reshape(128, 4, 128, 4).mean((1, 3))
    sky = 20 + 60 * sky[..., None] * ([1.0, 0.8, 0.6] if colour else [1.0])
    given = (sky + random.normal(0, 0.5, sky.shape)).clip(0, 255).round().astype(np.uint8)
    assert np.array_equal(denoiser()(given), given)
    if colour:
        given[70, 40, 1] = 200
        changed = denoiser()(given) != given
        assert changed.nonzero()[0].tolist() == [70]


def test_a_share_without_its_impulses_is_not_noise() -> None:
    """A measurement may take bright edges for salt; then nearly none is found."""
    image = torch.from_numpy(photograph("uint8", False).copy())[None, None].clamp(5, 250)
    image[0, 0, 80, 90] = 255
    canvas = Canvas.over(image, torch.empty_like(image))
    found = find_impulses_of(canvas, 0, Impulses(salt=0.05))
    assert found is None or not found.is_noise


def test_impulses_that_were_looked_for_do_not_lift_the_limits() -> None:
    """Only impulse noise that was found, or not looked for, does."""
    given, _ = hit_by(photograph("uint8", True), 0.1, False)
    for image, mode, expected in (
        (given, "on", True),
        (photograph("uint8", True), "on", False),
        (given, "off", True),
    ):
        job = ImageJob(open_image(image.copy(), None), "float32")
        job.remove_impulses(mode)
        assert job.has_impulses == expected


def test_in_place_and_off() -> None:
    """The same result in the memory of the image; with "off" there are no changes."""
    given, _ = hit_by(photograph("uint8", True), 0.05, False)
    expected = denoiser()(given)
    kept = given.copy()
    assert np.array_equal(denoiser("off")(given), given)
    assert np.array_equal(given, kept)
    assert np.array_equal(denoiser().restore(given, in_place=True).image, expected)
    assert np.array_equal(given, expected)


def test_auto_fills_for_networks_that_use_the_level_only() -> None:
    """A blind one may have been trained for impulses."""
    given, _ = hit_by(photograph("uint8", True), 0.05, False)
    assert Denoiser("median").restore(given).impulses == 0
    assert Denoiser("swift-gaussian").restore(given).impulses > 0.04
    assert Denoiser("median", impulses="on").restore(given).impulses > 0.04


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (60, 190)])
@pytest.mark.parametrize("size", [9, 12])
def test_dots_of_letters_stay(size: int, ink: int, paper: int) -> None:
    """On a noisy page, which is no longer one of two values."""
    page = Image.new("L", (300, 120), paper)
    draw = ImageDraw.Draw(page)
    draw.fontmode = "1"
    for top in range(4, 110, 2 * size):
        draw.text((5, top), "i.e. 12.5 % [j] 'ijk' ...", ink, ImageFont.load_default(size))
    noise = np.random.default_rng(0).normal(0, 5, (120, 300))
    given = np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8)
    assert np.array_equal(denoiser("auto")(given), given)


def test_an_edge_is_filled_from_its_own_side() -> None:
    """Interpolated along the edge, not across it."""
    plane = torch.zeros(12, 12)
    plane[:, 6:] = 0.8
    impulses = torch.zeros_like(plane, dtype=torch.bool)
    impulses[4, 5] = impulses[8, 6] = True
    assert filled(plane, impulses, 0.0, slice(0, 12)) == pytest.approx([0.0, 0.8], abs=0.01)
    assert filled(plane, torch.ones_like(impulses), 0.0, slice(0, 1)).isnan().all()


def test_a_wrong_mode_is_refused() -> None:
    with pytest.raises(ArgumentError, match="impulses is auto, on, off"):
        Denoiser("median", impulses="yes")
