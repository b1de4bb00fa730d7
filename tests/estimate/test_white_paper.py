"""Paper whose white is that of the file, and what is not such paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from restorekit import analyze
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.white_paper import is_clipped_at_random, white_paper
from tests.noisy_pages import noisy, page


def _sample(image: np.ndarray) -> ImageSample:
    return ImageSample.of(torch.from_numpy(np.atleast_3d(image) / 255).float().permute(2, 0, 1))


def _pieces(image: np.ndarray) -> torch.Tensor:
    return _sample(image).pieces


@pytest.mark.parametrize("height", [9, 14, 28])
@pytest.mark.parametrize("blur", [0, 0.6, 1])
class TestPage:
    """Letters on white paper with noise."""

    @pytest.mark.parametrize("sigma", [3, 8, 30])
    def test_it_is_recognised(self, height: int, blur: float, sigma: int) -> None:
        """Black on white and white on black, in gray and in colour."""
        clean = page(height, blur)
        for each in (clean, 255 - clean, np.stack([clean, clean // 2 + 127.5, clean], -1)):
            assert white_paper(_sample(noisy(each, sigma))) is not None

    @pytest.mark.parametrize("sigma", [3, 8, 30])
    def test_the_noise_is_white_and_has_its_level(
        self, height: int, blur: float, sigma: int
    ) -> None:
        """Letters are not taken for coarse noise."""
        found = analyze(noisy(page(height, blur), sigma))
        assert found.correlation.is_white
        assert abs(255 * found.noise_scales.overall[0] / sigma - 1) < 0.15


def test_noise_of_luma_and_chroma_is_measured_apart() -> None:
    """Noise that channels share is in luma alone, and has sqrt(3) times its level there."""
    clean = np.stack([page(20)] * 3, -1)
    noise = np.random.default_rng(0).normal(0, 8, clean.shape)
    own, shared = (
        analyze((clean + each).round().clip(0, 255).astype(np.uint8)).noise_scales
        for each in (noise, noise[..., :1])
    )
    assert 0.85 < 255 * own.luma[0] / 8 < 1.1
    assert 0.85 < 255 * own.chroma[0] / 8 < 1.1
    assert 1.35 < 255 * shared.luma[0] / 8 < 1.9
    assert not shared.chroma or shared.chroma[0] == 0


class TestOther:
    """What is saturated otherwise than by noise on paper."""

    @pytest.mark.parametrize("depth", [20, 60, 120])
    @pytest.mark.parametrize("sigma", [0, 3])
    @pytest.mark.parametrize("share", [0.1, 0.2])
    def test_dots(self, share: float, depth: int, sigma: int) -> None:
        """Their depth is not distributed like noise, with and without noise between them."""
        generator = np.random.default_rng(3)
        depths = depth * generator.uniform(0.5, 1, (256, 384))
        clean = 255 - depths * (generator.random((256, 384)) < share)
        assert not is_clipped_at_random(_pieces(noisy(clean, sigma)))

    def test_coarse_noise(self) -> None:
        """Saturated pixels have saturated neighbours."""
        noise = gaussian_filter(np.random.default_rng(0).normal(0, 1, (256, 384)), 1)
        assert not is_clipped_at_random(_pieces(noisy(255 + 10 * noise / noise.std(), 0)))

    def test_lines_of_one_pixel(self) -> None:
        """Their correlation is 1 along them and -1 across them."""
        lines = np.full((256, 384), 255.0)
        lines[::2] = 250
        assert not is_clipped_at_random(_pieces(noisy(lines, 0)))

    def test_values_outside(self) -> None:
        """Then nothing was clipped."""
        pieces = _pieces(noisy(page(20, 0.6), 8))
        assert is_clipped_at_random(pieces)
        assert not is_clipped_at_random(2 * pieces - 0.5)

    @pytest.mark.parametrize("paper", [(255, 255, 200), (255, 250, 200), (200, 255, 255)])
    def test_coloured_paper(self, paper: tuple[int, ...]) -> None:
        """Its channels are not clipped alike."""
        clean = page(16, 0.6)[..., None] / 255 * np.array(paper)
        assert white_paper(_sample(noisy(clean, 5))) is None

    def test_half_of_a_picture(self) -> None:
        """The noise of the rest is measured there."""
        clean = np.full((256, 384), 128.0)
        clean[:128] = 255
        assert white_paper(_sample(noisy(clean, 8))) is None
        clean[:208] = 255
        assert white_paper(_sample(noisy(clean, 8))) is not None

    def test_varying_highlights(self) -> None:
        """Light that falls off from overexposed to gray, as in a photograph."""
        clean = np.linspace(215, 270, 384) * np.ones((256, 1))
        assert white_paper(_sample(noisy(clean, 15))) is None

    @pytest.mark.parametrize("value", [0, 128, 255])
    def test_constant(self, value: int) -> None:
        """Nothing is clipped at random."""
        assert white_paper(_sample(np.full((64, 64), value))) is None

    @pytest.mark.parametrize("shape", [(1, 1), (7, 7)])
    def test_tiny(self, shape: tuple[int, int]) -> None:
        """Pieces smaller than a block have none."""
        assert white_paper(_sample(noisy(np.full(shape, 255.0), 8))) is None

    def test_one_block(self) -> None:
        """A picture of one block is white paper too, if its noise is clipped."""
        assert white_paper(_sample(noisy(np.full((8, 8), 255.0), 8))) is not None
