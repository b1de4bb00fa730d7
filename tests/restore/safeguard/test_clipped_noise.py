"""White noise that is clipped on paper whose white is that of the file."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor
from torch.nn import functional

from restorekit import Denoiser, analyze
from restorekit.restore.safeguard.clipped_noise import clipped_level, share_at_edges

_SIDE = 128


class TestLevel:
    """`clipped_level`, for paper that is restored perfectly."""

    # The second number is the offset of the paper from white, in sigma.
    @pytest.mark.parametrize(("sigma", "offset"), [(4, -0.5), (4, 0), (15, -0.3), (15, 0), (40, 0)])
    @pytest.mark.parametrize("dark", [False, True])
    def test_level_before_clipping(self, sigma: int, offset: float, dark: bool) -> None:
        """It is that of the noise that was added, whatever share of it is left."""
        level = sigma / 255
        paper = (1 + min(offset * level, 0.0)) * torch.ones(1, 1, _SIDE, _SIDE)
        noisy = (1 + offset * level + level * _normal()).clamp(0, 1)
        if dark:
            noisy, paper = 1 - noisy, 1 - paper
        assert abs(clipped_level(noisy, paper) / level - 1) < 0.05

    def test_nothing_without_noise(self) -> None:
        """White that is free of noise, and white of which nearly all noise is clipped."""
        paper = torch.ones(1, 1, _SIDE, _SIDE)
        assert clipped_level(paper, paper) == 0
        assert clipped_level((paper + 0.1 + 0.05 * _normal()).clamp(max=1), paper) == 0

    def test_coarse_noise_and_texture_are_not_white_noise(self) -> None:
        """What neighbouring pixels share may be the grain of the paper."""
        kernel = torch.full((1, 1, 2, 2), 0.5)
        coarse = functional.conv2d(functional.pad(_normal(), (0, 1, 0, 1)), kernel)
        paper = torch.ones(1, 1, _SIDE, _SIDE)
        assert clipped_level((1 + 0.06 * coarse).clamp(0, 1), paper) == 0

    def test_noise_that_is_left_is_not_evidence(self) -> None:
        """A network that leaves paper rough has not removed noise only."""
        noise = 0.03 * _normal()
        assert clipped_level((1 + noise).clamp(max=1), (1 + noise / 3).clamp(max=1)) == 0

    def test_little_paper_is_not_examined(self) -> None:
        """Noise of the rest of the picture is measured there."""
        clean = torch.full((1, 1, _SIDE, _SIDE), 0.5)
        clean[..., :16, :16] = 1
        assert clipped_level((clean + 0.05 * _normal()).clamp(0, 1), clean) == 0


def test_share_at_edges_is_lower_around_letters_only() -> None:
    """Within two pixels of a stroke, and not in a ramp."""
    image = torch.linspace(0.5, 1, _SIDE).expand(1, 3, _SIDE, _SIDE).clone()
    image[..., 40] = 0
    share = share_at_edges(image, 0.6)
    assert share.shape == (1, 1, _SIDE, _SIDE)
    assert torch.equal(share[..., 38:43], torch.full((1, 1, _SIDE, 5), 0.6))
    assert bool((share[..., :38] == 1).all())
    assert bool((share[..., 43:] == 1).all())


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    """The default."""
    return Denoiser()


@pytest.mark.parametrize("height", [18, 28])
class TestWhitePage:
    """Letters on paper of the value 255."""

    @pytest.mark.parametrize("sigma", [6, 15, 30])
    def test_its_noise_is_white(self, height: int, sigma: int) -> None:
        """Letters are not taken for coarse noise, and the level is that of the noise."""
        found = analyze(_noisy(_page(height), sigma))
        assert found.correlation.is_white
        assert abs(255 * found.noise_scales.overall[0] / sigma - 1) < 0.25

    @pytest.mark.parametrize(("sigma", "gain"), [(8, 2.0), (15, 3.0), (30, 4.0)])
    def test_it_gains(self, denoiser: Denoiser, height: int, sigma: int, gain: float) -> None:
        """In gray and in colour, black on white and white on black."""
        page = _page(height)
        for clean in (page, np.stack([page, page // 2 + 127, page], -1), 255 - page):
            noisy = _noisy(clean, sigma)
            assert _psnr(cast(np.ndarray, denoiser(noisy)), clean) > _psnr(noisy, clean) + gain

    @pytest.mark.parametrize("sigma", [1, 2, 3, 4, 5])
    def test_weak_noise_harms_no_letters(self, denoiser: Denoiser, height: int, sigma: int) -> None:
        """Neither the page nor the surroundings of its letters are worse."""
        clean = _page(height)
        noisy = _noisy(clean, sigma)
        restored = cast(np.ndarray, denoiser(noisy))
        assert _psnr(restored, clean) >= _psnr(noisy, clean) - 0.02
        near = np.array(Image.fromarray(clean).filter(ImageFilter.MinFilter(5))) < 235
        assert _psnr(restored[near], clean[near]) >= _psnr(noisy[near], clean[near]) - 0.02

    def test_without_noise_it_stays(self, denoiser: Denoiser, height: int) -> None:
        """Its letters have smooth edges, as those of a scan."""
        assert np.array_equal(denoiser(_page(height)), _page(height))


def _page(height: int) -> np.ndarray:
    """Black letters with smooth edges on white, (256, 384)."""
    page = Image.new("L", (384, 256), 255)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(height)
    for number, top in enumerate(range(10, 240 - height, height * 3 // 2)):
        draw.text(
            (10, top), f"{number} The quick brown fox jumps over it, and sleeps" * 2, font=font
        )
    return np.array(page.filter(ImageFilter.GaussianBlur(0.6)))


def _noisy(clean: np.ndarray, sigma: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    return (clean + noise).round().clip(0, 255).astype(np.uint8)


def _normal() -> Tensor:
    return torch.randn(1, 1, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))


def _psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(20 * np.log10(255 / np.sqrt(np.square(image.astype(float) - clean).mean())))
