"""Noise level estimators, created by name, compared with noise of known level."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy import integrate, stats
from skimage import restoration
from torch import Tensor
from torch.nn.functional import avg_pool2d

from restorekit import create_estimator, estimators, list_estimators
from restorekit.data.samples import sample_path
from restorekit.errors import ArgumentError, InputError, UnknownNameError
from restorekit.estimate.block_dct import BlockDCT
from restorekit.estimate.noisy_blocks import clipped_variance

NAMES = list_estimators()


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def photograph(name: str) -> Tensor:
    """A sample photograph, (1, C, H, W), at most 400 pixels to a side."""
    pixels = np.atleast_3d(np.array(Image.open(Path(sample_path(name)))))[:400, :400]
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


class TestEvery:
    def test_the_built_in_ones_are_registered(self) -> None:
        """They have their usual names, and each states a reference."""
        assert {"block_dct", "mad"} <= set(NAMES)
        assert all(estimators.describe(name).reference for name in NAMES)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("sigma", [5, 25, 50])
    def test_white_noise_on_gray(self, name: str, sigma: int) -> None:
        """Each channel of each image has its own estimate, within 5%."""
        factors = torch.tensor([[1.0, 0.5], [0.25, 1.0]])[..., None, None]
        image = 0.5 + noise(2, 2, 200, 150) * sigma / 255 * factors
        estimate = create_estimator(name)(image)
        assert estimate.shape == (2, 2)
        assert torch.allclose(estimate * 255, factors[..., 0, 0] * sigma, rtol=0.05)

    @pytest.mark.parametrize("name", NAMES)
    def test_scale(self, name: str) -> None:
        """Twice the contrast gives twice the noise; brightness has no effect."""
        estimator = create_estimator(name)
        image = 0.4 + 0.02 * noise(1, 1, 120, 120)
        other = 0.3 + 2 * (image - 0.4)
        assert torch.allclose(estimator(other), 2 * estimator(image), rtol=1e-3)


@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_mad_is_scikit_image_s(sigma: int) -> None:
    """On a flat picture, up to the length of its wavelet."""
    image = 0.5 + noise(1, 3, 128, 128, seed=2) * sigma / 255
    other = restoration.estimate_sigma(image[0].numpy(), channel_axis=0, average_sigmas=True)
    assert create_estimator("mad")(image).mean().item() == pytest.approx(float(other), rel=0.03)


def test_the_ratio_of_frequencies_tells_white_from_correlated_noise() -> None:
    """It is about 1 for white noise, and much larger after averaging 3x3 pixels."""
    image = 0.5 + 0.05 * noise(1, 2, 160, 160)
    ratios = BlockDCT().ratios(image)
    assert ratios.shape == (1, 2)
    assert bool((ratios < 1.1).all())
    assert bool((BlockDCT().ratios(avg_pool2d(image, 3, 1)) > 1.5).all())


def test_the_message_for_an_unknown_name_suggests_one() -> None:
    """As for any other kind of component."""
    with pytest.raises(UnknownNameError, match="Did you mean 'block_dct'"):
        create_estimator("block_dtc")


class TestBlockDCT:
    @pytest.mark.parametrize("name", ["astronaut", "camera", "coffee", "chelsea"])
    @pytest.mark.parametrize("sigma", [5, 10, 25, 50])
    def test_photographs(self, name: str, sigma: int) -> None:
        """Within 10% of the added noise plus up to 2/255 of the noise of the photograph."""
        clean = photograph(name)
        estimate = create_estimator("block_dct")(clean + noise(*clean.shape) * sigma / 255) * 255
        assert float(estimate.min()) > 0.9 * sigma
        assert float(estimate.max()) < 1.1 * math.hypot(sigma, 2)

    @pytest.mark.parametrize("name", ["astronaut", "camera", "coffee", "chelsea"])
    @pytest.mark.parametrize("sigma", [15, 50, 75])
    def test_clipped_eight_bit_photographs(self, name: str, sigma: int) -> None:
        """Clipping removes a part of the noise; the estimate is that of the added noise."""
        clean = photograph(name)
        noisy = (clean + noise(*clean.shape) * sigma / 255).clamp(0, 1).mul(255).round() / 255
        estimate = create_estimator("block_dct")(noisy) * 255
        assert torch.allclose(estimate, torch.full_like(estimate, sigma), rtol=0.12)

    @pytest.mark.parametrize(
        ("level", "sigma", "within"),
        [
            (0.0, 0.1, 0.12),
            (0.05, 0.1, 0.07),
            (0.9, 0.1, 0.04),
            (0.25, 0.4, 0.06),
            (0.5, 0.3, 0.06),
        ],
    )
    def test_flat_and_clipped(self, level: float, sigma: float, within: float) -> None:
        """The loss by clipping up to half of the pixels, at one or two ends, is mostly undone."""
        noisy = (level + sigma * noise(1, 1, 250, 250)).clamp(0, 1)
        assert create_estimator("block_dct")(noisy).item() == pytest.approx(sigma, rel=within)

    def test_saturated_sky(self) -> None:
        """Blocks that are mostly saturated do not count."""
        image = 0.5 + 0.06 * noise(1, 1, 200, 200)
        image[..., :120, :] = 1.0
        estimate = create_estimator("block_dct")(image.clamp(0, 1)).item()
        assert estimate == pytest.approx(0.06, rel=0.05)

    @pytest.mark.parametrize("height", [9, 12, 16, 24])
    @pytest.mark.parametrize("sigma", [5, 15, 30])
    def test_text_on_white_paper(self, height: int, sigma: int) -> None:
        """Half of the noise of the paper is clipped, but the letters are not measured instead."""
        page = Image.new("L", (320, 200), 255)
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(height)
        for top in range(4, 200 - height, int(1.4 * height)):
            draw.text((6, top), "The quick brown fox jumps over it", fill=0, font=font)
        clean = torch.from_numpy(np.asarray(page, np.float32))[None, None]
        noisy = (clean + sigma * noise(*clean.shape)).round().clamp(0, 255) / 255
        estimate = 255 * create_estimator("block_dct")(noisy).item()
        assert estimate == pytest.approx(sigma, rel=0.2)

    def test_two_values(self) -> None:
        """All pixels may have been clipped; the estimates are numbers all the same."""
        board = (torch.arange(64)[:, None] + torch.arange(64)) % 2
        for image in ((noise(64, 64) > 0).float(), board.float()):
            estimator, planes = create_estimator("block_dct"), image[None, None]
            assert 0.5 < estimator(planes).item() < 10
            assert estimator.ratios(planes).isfinite().all()

    @pytest.mark.parametrize("side", [4, 6, 8, 10])
    def test_tiny_and_clipped(self, side: int) -> None:
        """There is an estimate, if a rough one, however many pixels are clipped."""
        for seed in range(20):
            image = (0.05 + 0.1 * noise(1, 1, side, side, seed=seed)).clamp(0, 1)
            assert create_estimator("block_dct")(image).item() > 0

    def test_margin(self) -> None:
        """A margin of one value does not affect the estimate."""
        image = torch.full((1, 1, 240, 240), 0.7)
        image[..., 40:200, 40:200] = 0.5 + 0.06 * noise(1, 1, 160, 160)
        assert create_estimator("block_dct")(image).item() == pytest.approx(0.06, rel=0.06)

    def test_drawing(self) -> None:
        """A drawing without noise has an estimate of nearly 0, with any number of edges."""
        image = torch.full((1, 1, 200, 200), 0.9)
        image[..., 20:180:40, :] = 0.1
        image[..., 60:130, 50:150] = 0.4
        assert create_estimator("block_dct")(image).item() == 0

    def test_noise_that_depends_on_brightness(self) -> None:
        """It is the root mean square, slightly less because the smoothest blocks are used."""
        clean = torch.linspace(0.2, 0.8, 300).expand(1, 1, 300, 300)
        sigma = 0.02 + 0.08 * clean
        estimate = create_estimator("block_dct")(clean + sigma * noise(1, 1, 300, 300)).item()
        assert estimate == pytest.approx(sigma.square().mean().sqrt().item(), rel=0.08)

    @pytest.mark.parametrize("sigma", [5, 10])
    def test_texture_that_colours_share(self, sigma: int) -> None:
        """It hides weak noise in each colour, but not in the differences of the three."""
        texture = 0.8 * noise(1, 1, 301, 301)
        texture = texture[..., :300, :300] + torch.nn.functional.avg_pool2d(texture, 2, 1)
        clean = 0.5 + texture * sigma / 255 + torch.tensor([-0.1, 0.0, 0.1])[:, None, None]
        noisy = clean + noise(1, 3, 300, 300, seed=1) * sigma / 255
        estimator = create_estimator("block_dct")
        told = torch.full((1, 3), sigma / 255)
        assert torch.allclose(estimator(noisy), told, rtol=0.1)
        assert (estimator(noisy[:, :1]) > 1.1 * told[:, :1]).all()

    @pytest.mark.parametrize("own", [0.0, 0.25, 1.0])
    def test_noise_that_colours_share(self, own: float) -> None:
        """Common noise is not taken for texture, because its spectrum is white."""
        shared = noise(1, 1, 200, 200).expand(1, 3, 200, 200)
        noisy = 0.5 + 0.02 * (shared + own * noise(1, 3, 200, 200, seed=1))
        estimate = create_estimator("block_dct")(noisy)
        told = torch.full((1, 3), 0.02 * (1 + own**2) ** 0.5)
        assert torch.allclose(estimate, told, rtol=0.06)

    def test_noise_that_is_smoother_in_colour(self) -> None:
        """As in JPEG files of cameras, where the differences are not white and are not used."""
        coarse = torch.nn.functional.avg_pool2d(noise(1, 3, 203, 203, seed=1), 4, 1)
        noisy = 0.5 + 0.02 * noise(1, 1, 200, 200) + 0.08 * coarse
        estimate = create_estimator("block_dct")(noisy)
        alone = torch.cat([create_estimator("block_dct")(noisy[:, i : i + 1]) for i in range(3)], 1)
        assert torch.allclose(estimate, alone)
        assert (estimate > 0.019).all()

    @pytest.mark.parametrize("weak", [0.0, 2.0, 5.0])
    @pytest.mark.parametrize("shared", [0.0, 1.0])
    def test_a_colour_with_less_noise(self, weak: float, shared: float) -> None:
        """It is measured alone, because noisier colours dominate the differences."""
        sigma = torch.tensor([weak, 20, 20]) / 255
        clean = torch.nn.functional.avg_pool2d(noise(1, 1, 201, 201, seed=1), 2, 1) * shared / 255
        noisy = 0.5 + clean + sigma[:, None, None] * noise(1, 3, 200, 200)
        estimate = create_estimator("block_dct")(noisy)[0]
        assert torch.allclose(estimate[1:], sigma[1:], rtol=0.06)
        assert estimate[0] >= 0.94 * sigma[0]
        assert estimate[0] <= 1.06 * sigma[0] + 2 * shared / 255

    @pytest.mark.parametrize("name", ["camera", "coffee"])
    def test_correlated_noise(self, name: str) -> None:
        """Noise that was smoothed by 3x3 pixels is found; the baseline misses two thirds of it."""
        clean = photograph(name)
        height, width = clean.shape[-2:]
        smooth = torch.nn.functional.avg_pool2d(
            noise(1, clean.shape[1], height + 2, width + 2), 3, 1
        )
        noisy = clean + smooth * 3 * 15 / 255  # the mean of 9 has a third of the deviation
        estimate = create_estimator("block_dct")(noisy).mean().item() * 255
        assert estimate == pytest.approx(15, rel=0.4)
        assert create_estimator("mad")(noisy).mean().item() * 255 < 0.6 * estimate

    def test_more_levels_than_blocks(self) -> None:
        """Arguments of any size work on images of any size."""
        estimator = create_estimator("block_dct", share=1.0, levels=50, blocks=10)
        assert estimator(0.5 + 0.1 * noise(1, 1, 60, 60)).item() == pytest.approx(0.1, rel=0.3)

    @pytest.mark.parametrize(
        "wrong", [{"share": 0.0}, {"share": 1.5}, {"levels": 0}, {"blocks": 0}]
    )
    def test_wrong_arguments(self, wrong: dict[str, float]) -> None:
        """They are refused when the estimator is created."""
        with pytest.raises(ArgumentError):
            create_estimator("block_dct", **wrong)

    def test_shapes_that_are_refused(self) -> None:
        """An empty tensor, or one without four dimensions."""
        for shape in ((1, 3, 0, 4), (3, 8, 8)):
            with pytest.raises(InputError, match="an image is"):
                create_estimator("block_dct")(torch.zeros(shape))


@pytest.mark.parametrize("low", [0.0001, 0.01, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("high", [0.0, 0.02, 0.4])
def test_variance_of_a_clipped_normal_distribution(low: float, high: float) -> None:
    """Against numerical integration."""
    least, most = stats.norm.ppf(low), min(-stats.norm.ppf(high), 12)
    density = stats.norm.pdf

    def moment(power: int) -> float:
        inside, _ = integrate.quad(lambda z: z**power * density(z), least, most)
        return float(inside + least**power * low + most**power * high)

    expected = moment(2) - moment(1) ** 2
    found = clipped_variance(torch.tensor([low]), torch.tensor([high]))
    assert found.item() == pytest.approx(max(expected, 0.1), rel=1e-4)
