"""White noise that is clipped on paper whose white is that of the file."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from restorekit import Denoiser
from restorekit.restore.safeguard.clipped_noise import clipped_level
from restorekit.restore.safeguard.sharp_edges import share_at_edges
from tests.noisy_pages import noisy, page

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

    @pytest.mark.parametrize(("side", "width"), [(128, 40), (512, 96)])
    def test_little_paper_is_not_examined(self, side: int, width: int) -> None:
        """25 blocks are too few, and 144 are less than 5 % of 4096."""
        for wide, found in ((width, False), (side // 2, True)):
            clean = torch.full((1, 1, side, side), 0.5)
            clean[..., :wide, :wide] = 1
            noisy_image = (clean + 0.05 * _normal(side)).clamp(0, 1)
            assert bool(clipped_level(noisy_image, clean)) == found

    def test_a_few_clipped_pixels_do_not_count(self) -> None:
        """Noise that is hardly clipped is evidence by itself."""
        clean = torch.full((1, 1, _SIDE, _SIDE), 0.98)
        noisy_image = (clean + 0.005 * _normal()).clamp(0, 1)
        noisy_image[..., :3] = 1
        assert clipped_level(noisy_image, clean) == 0
        assert clipped_level((clean + 0.005 * _normal()), clean) == 0

    def test_lines_are_not_noise(self) -> None:
        """Neighbours differ along one axis and are equal along the other."""
        paper = torch.ones(1, 1, _SIDE, _SIDE)
        lines = paper.clone()
        lines[..., ::2, :] = 0.98
        assert clipped_level(lines, paper) == 0

    @pytest.mark.parametrize("noise", [0.0, 0.01])
    def test_dots_are_not_noise(self, noise: float) -> None:
        """Their depth is not distributed like a part of normal noise."""
        paper = torch.ones(1, 1, _SIDE, _SIDE)
        dots = (torch.rand(paper.shape, generator=torch.Generator().manual_seed(1)) < 0.3).float()
        assert clipped_level((paper - 0.1 * dots + noise * _normal()).clamp(max=1), paper) == 0

    def test_noise_of_all_channels_counts(self) -> None:
        """The level is the root mean square of channels, of which some may not be clipped."""
        paper = torch.ones(1, 3, _SIDE, _SIDE)
        paper[:, 2] = 0.975
        noise = torch.randn(paper.shape, generator=torch.Generator().manual_seed(0))
        level = clipped_level((paper + 0.01 * noise).clamp(0, 1), paper)
        assert abs(level / 0.01 - 1) < 0.05


def test_share_at_edges_is_lower_at_sharp_edges_only() -> None:
    """Within two pixels of a stroke, and not in a ramp or at the edges of a scan."""
    image = torch.linspace(0.5, 1, _SIDE).expand(1, 3, _SIDE, _SIDE).clone()
    image[..., 40] = 0
    image[..., 80:90] = image[..., 80:90] * torch.tensor(
        [0.8, 0.6, 0.4, 0.2, 0, 0, 0.2, 0.4, 0.6, 0.8]
    )
    share = share_at_edges(image)
    assert share.shape == (1, 1, _SIDE, _SIDE)
    assert torch.allclose(share[..., 38:43], torch.full((1, 1, _SIDE, 5), 0.2), atol=0.05)
    assert bool((share[..., :38] == 1).all())
    assert bool((share[..., 43:] == 1).all())


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    """The default."""
    return Denoiser()


@pytest.mark.parametrize("height", [9, 18, 28])
class TestWhitePage:
    """Letters on paper of the value 255."""

    @pytest.mark.parametrize(("sigma", "gain"), [(8, 1.5), (15, 2.5), (30, 4.0)])
    def test_it_gains(self, denoiser: Denoiser, height: int, sigma: int, gain: float) -> None:
        """In gray and in colour, black on white and white on black."""
        clean = page(height)
        for each in (clean, np.stack([clean, clean / 2 + 127, clean], -1), 255 - clean):
            before, after = _psnr(noisy(each, sigma), each), _restored(denoiser, each, sigma)
            assert after > before + gain

    @pytest.mark.parametrize("blur", [0, 0.4, 1])
    @pytest.mark.parametrize("sigma", [1, 3, 4, 5])
    def test_weak_noise_harms_no_letters(
        self, denoiser: Denoiser, height: int, sigma: int, blur: float
    ) -> None:
        """Neither the page nor the surroundings of its letters are worse, but by 0.1 dB."""
        clean = page(height, blur)
        image = noisy(clean, sigma)
        assert _restored(denoiser, clean, sigma) >= _psnr(image, clean) - 0.02
        near = np.array(Image.fromarray(clean.astype(np.uint8)).filter(ImageFilter.MinFilter(5)))
        near_letters = near < 235
        before = _psnr(image[near_letters], clean[near_letters])
        after = cast(np.ndarray, denoiser(image))[near_letters]
        assert _psnr(after, clean[near_letters]) >= before - 0.1

    def test_letters_of_a_scan_gain(self, denoiser: Denoiser, height: int) -> None:
        """Their edges are not spared: the surroundings of letters gain at least 1.5 dB."""
        clean = page(height, 1.0)
        near = np.array(Image.fromarray(clean.astype(np.uint8)).filter(ImageFilter.MinFilter(5)))
        image = noisy(clean, 5)
        after = cast(np.ndarray, denoiser(image))[near < 235]
        assert _psnr(after, clean[near < 235]) > _psnr(image[near < 235], clean[near < 235]) + 1.5

    def test_without_noise_it_stays(self, denoiser: Denoiser, height: int) -> None:
        """Its letters have smooth edges, as those of a scan."""
        clean = page(height).astype(np.uint8)
        assert np.array_equal(denoiser(clean), clean)


@pytest.mark.parametrize("sigma", [5, 8, 15, 20])
@pytest.mark.parametrize("ink", [0, 120])
def test_lines_of_a_drawing_stay(denoiser: Denoiser, ink: int, sigma: int) -> None:
    """A network that is given the level of the lines would remove them; in gray and in colour."""
    drawn = Image.new("L", (384, 256), 255)
    draw = ImageDraw.Draw(drawn)
    for left in range(0, 360, 30):
        draw.ellipse([left, 30 + left // 4, left + 60, 90 + left // 4], outline=ink)
    for left in range(0, 384, 24):
        draw.line([left, 0, 384 - left, 256], fill=120)
    clean = np.array(drawn).astype(float)
    for each in (clean, np.stack([clean] * 3, -1), 255 - clean):
        assert _restored(denoiser, each, sigma) >= _psnr(noisy(each, sigma), each) - 0.02


@pytest.mark.parametrize("sigma", [5, 10])
@pytest.mark.parametrize("paper", [(255, 250, 230), (255, 240, 220)])
def test_coloured_paper_gains(denoiser: Denoiser, paper: tuple[int, ...], sigma: int) -> None:
    """Of which the channels are not clipped alike."""
    clean = page(16)[..., None] / 255 * np.array(paper)
    assert _restored(denoiser, clean, sigma) > _psnr(noisy(clean, sigma), clean) + 3


@pytest.mark.parametrize("ink", [225, 235])
def test_pale_ink_gains(denoiser: Denoiser, ink: int) -> None:
    """Most blocks are full of letters that are hardly stronger than the noise."""
    clean = page(12, ink=ink)
    assert _restored(denoiser, clean, 5) > _psnr(noisy(clean, 5), clean) + 3


@pytest.mark.parametrize("blur", [0.45, 0.6])
@pytest.mark.parametrize("amplitude", [8, 10])
def test_grain_of_paper_stays(denoiser: Denoiser, amplitude: int, blur: float) -> None:
    """A network removes the white part of fine grain, if it is given the level of all of it."""
    grain = gaussian_filter(np.random.default_rng(1).normal(0, 1, (256, 384)), blur)
    clean = (page(14) + amplitude * grain / grain.std()).round().clip(0, 255)
    assert _restored(denoiser, clean, 2) >= _psnr(noisy(clean, 2), clean) - 0.02


@pytest.mark.parametrize("depth", [60, 120, 200])
def test_dots_of_a_page_stay(denoiser: Denoiser, depth: int) -> None:
    """With noise between them, they are clipped as randomly as noise alone."""
    generator = np.random.default_rng(3)
    dots = generator.random((256, 384)) < 0.1
    clean = (page(18) - depth * dots * generator.uniform(0.5, 1, dots.shape)).round().clip(0, 255)
    assert _restored(denoiser, clean, 3) >= _psnr(noisy(clean, 3), clean) - 0.02


def _restored(denoiser: Denoiser, clean: np.ndarray, sigma: float) -> float:
    """PSNR of the restored picture."""
    return _psnr(cast(np.ndarray, denoiser(noisy(clean, sigma))), clean)


def _normal(side: int = _SIDE) -> Tensor:
    return torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0))


def _psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(20 * np.log10(255 / np.sqrt(np.square(image.astype(float) - clean).mean())))
