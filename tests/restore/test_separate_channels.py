"""Channels that do not share their detail are restored one by one."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from restorekit import Denoiser
from restorekit.restore.analysis import analyze_canvas
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import open_image
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.separate_channels import split_channels

SIDE = 128


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    """The default, for which no channel is alpha."""
    return Denoiser(alpha=False)


def stain(number: int) -> Tensor:
    """A part of a micrograph or of another gray picture, (SIDE, SIDE), on the [0, 1] scale."""
    picture = (data.cell, data.moon, data.coins, data.camera, data.page)[number]()
    return torch.from_numpy(picture[40 : 40 + SIDE, 60 : 60 + SIDE].copy()).float() / 255


def noisy(clean: Tensor, sigma: float = 12 / 255, seed: int = 0) -> Tensor:
    """With white noise, in 8 bits."""
    generator = torch.Generator().manual_seed(seed)
    values = clean + sigma * torch.randn(clean.shape, generator=generator)
    return (255 * values).round().clamp(0, 255).to(torch.uint8)


def together(count: int) -> Tensor:
    """Different pictures as the channels of one, (count, SIDE, SIDE)."""
    return torch.stack([stain(number) for number in range(count)])


def psnr(image: Tensor, clean: Tensor) -> float:
    """In dB."""
    return float(-10 * torch.log10((image / 255 - clean).square().mean()))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_channel_is_restored_as_a_gray_picture(denoiser: Denoiser, count: int) -> None:
    given = noisy(together(count))
    outcome = denoiser.restore(given)
    apart = torch.stack([denoiser(channel[None])[0] for channel in given])
    assert (outcome.image.int() - apart.int()).abs().max() <= 1
    assert len(outcome.sigma) == count
    assert outcome.choice is not None
    assert "channels apart" in outcome.choice.words
    assert psnr(outcome.image, together(count)) > psnr(given, together(count)) + 4


@pytest.mark.parametrize("constant", [0, 128, 255])
def test_constant_channels_stay(denoiser: Denoiser, constant: int) -> None:
    """Of a red and green picture, and of a red one."""
    given = noisy(together(3))
    given[2] = constant
    outcome = denoiser.restore(given)
    assert (outcome.image[2] == constant).all()
    assert outcome.sigma[2] == 0
    assert psnr(outcome.image[:2], together(2)) > psnr(given[:2], together(2)) + 4
    given[1] = constant
    alone = denoiser(given[:1])
    assert torch.equal(denoiser(given), torch.cat([alone, given[1:]]))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
@pytest.mark.parametrize("level", [3, 15, 50])
def test_photographs_stay_together(denoiser: Denoiser, name: str, level: float) -> None:
    picture = torch.from_numpy(getattr(data, name)()[:256, :256].copy()).movedim(-1, 0)
    choice = denoiser.restore(noisy(picture / 255, level / 255)).choice
    assert choice is not None
    assert "apart" not in choice.words


@pytest.mark.parametrize(
    "options",
    [DenoiseOptions(), DenoiseOptions(strength_luma=0.5), DenoiseOptions(strength_chroma=0.0)],
)
def test_colours_with_another_channel(options: DenoiseOptions) -> None:
    """Red, green and blue of an opened TIFF file go together, and the infrared alone."""
    colour = torch.from_numpy(data.astronaut()[:SIDE, :SIDE].copy()).movedim(-1, 0) / 255
    four = noisy(torch.cat([colour, stain(0)[None]]))
    opened = open_image(four, None, meaning=PixelMeaning(has_alpha=False, colours=3))
    job = ImageJob(opened, "float32", analysis=analyze_canvas(opened.canvas))
    channels = split_channels(job, options)
    assert [place for place, _ in channels] == [slice(0, 3), slice(3, 4)]
    assert [part.canvas.source.shape[1] for _, part in channels] == [3, 1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_impulses_do_not_make_stains_of_a_photograph(denoiser: Denoiser, seed: int) -> None:
    """They are independent in the channels; a third of the values are wrong."""
    picture = torch.from_numpy(data.retina()[:256, :256].copy()).movedim(-1, 0)
    given = noisy(picture / 255, 8 / 255, seed)
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(given.shape, generator=generator)
    given[draw < 0.15], given[draw > 0.85] = 0, 255
    outcome = denoiser.restore(given)
    assert outcome.choice is not None
    assert "apart" not in outcome.choice.words


def test_detail_of_opposite_sign_is_shared(denoiser: Denoiser) -> None:
    """As in false colour, where green falls while red grows."""
    picture = stain(3)
    given = noisy(torch.stack([picture, 1 - picture, 0.5 + picture / 3]))
    choice = denoiser.restore(given).choice
    assert choice is not None
    assert "apart" not in choice.words


@pytest.mark.parametrize(
    "sigma", [0.05, np.float32(0.05), [0.05], torch.tensor(0.05), np.full((SIDE, SIDE), 0.05)]
)
def test_a_level_for_all_channels(sigma: Any) -> None:
    """In any form; a batch may have other pictures too."""
    photograph = torch.from_numpy(data.coffee()[:SIDE, :SIDE].copy()).movedim(-1, 0) / 255
    given = Denoiser(sigma=sigma)
    alone = [given.restore(noisy(each)) for each in (together(3), photograph)]
    assert alone[0].choice is not None
    assert "apart" in alone[0].choice.words
    assert alone[0].sigma == pytest.approx((0.05,) * 3)
    both = given.restore(torch.stack([noisy(together(3)), noisy(photograph)]))
    for restored, one in zip(both.image, alone, strict=True):
        assert (restored.int() - one.image.int()).abs().max() <= 1


def test_a_level_for_each_channel_keeps_them_together() -> None:
    outcome = Denoiser(sigma=(0.05, 0.05, 0.05)).restore(noisy(together(3)))
    assert outcome.choice is not None
    assert "apart" not in outcome.choice.words


def test_a_batch_and_types(denoiser: Denoiser) -> None:
    """Of different pictures, in 16 bits, restored as if each were alone, also in place."""
    photograph = torch.from_numpy(data.coffee()[:SIDE, :SIDE].copy()).movedim(-1, 0) / 255
    batch = torch.stack([noisy(together(3)), noisy(photograph)])
    alone = [denoiser.restore(each) for each in batch]
    both = denoiser.restore(batch)
    assert both.choice is None
    for restored, one in zip(both.image, alone, strict=True):
        assert (restored.int() - one.image.int()).abs().max() <= 1
    deep = (batch[0].int() * 257).to(torch.uint16)
    found = denoiser(deep).int() / 257
    assert (found - alone[0].image.int()).abs().max() <= 1.5
    array = np.ascontiguousarray(batch[0].movedim(0, -1).numpy())
    assert denoiser.restore(array, in_place=True).image is array
    assert np.abs(array.astype(int) - alone[0].image.movedim(0, -1).numpy()).max() <= 1


def test_clean_channels_are_left(denoiser: Denoiser) -> None:
    """Nothing changes, and the outcome says so."""
    smooth = torch.linspace(40, 200, SIDE).round().to(torch.uint8).expand(SIDE, SIDE)
    given = torch.stack([smooth, smooth.T, smooth.flip(1), smooth.T.flip(0)])
    outcome: DenoiseOutcome[Tensor] = denoiser.restore(given)
    assert torch.equal(outcome.image, given)
    assert outcome.left_alone == "clean"
    assert outcome.already_clean


def test_a_batch_is_restored_if_a_picture_of_it_is(denoiser: Denoiser) -> None:
    smooth = torch.linspace(40, 200, SIDE).round().to(torch.uint8).expand(3, SIDE, SIDE).clone()
    smooth[1] += 3
    outcome = denoiser.restore(torch.stack([noisy(together(3)), smooth]))
    assert outcome.left_alone is None
    assert not outcome.already_clean
    assert torch.equal(outcome.image[1], smooth)


def test_the_reason_of_most_channels_counts(denoiser: Denoiser) -> None:
    """A page among smooth channels."""
    smooth = torch.linspace(40, 200, SIDE).round().to(torch.uint8).expand(SIDE, SIDE)
    page = ((stain(4) > 0.5) * 255).to(torch.uint8)
    outcome = denoiser.restore(torch.stack([smooth, page, smooth.T, smooth.flip(1)]))
    assert outcome.left_alone == "clean"


def test_an_image_of_one_colour(denoiser: Denoiser) -> None:
    given = torch.full((3, 48, 48), 90, dtype=torch.uint8)
    assert torch.equal(denoiser(given), given)


def test_a_red_and_green_jpeg_file(denoiser: Denoiser) -> None:
    """Its blue is not constant: the file has been compressed."""
    array = noisy(together(3)).movedim(0, -1).numpy().copy()
    array[..., 2] = 0
    file = BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=95, subsampling=0)
    decoded = torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0)
    before = psnr(decoded[:2], together(2))
    assert psnr(denoiser(decoded)[:2], together(2)) > before - 0.02
