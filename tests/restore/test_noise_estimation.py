"""Noise estimation: numbers, maps, and recognising clean pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from restorekit.data.samples import sample_path
from restorekit.errors import InputError, UnknownNameError
from restorekit.estimate.impulse_places import find_impulses
from restorekit.estimate.jpeg import blockiness
from restorekit.restore.noise_estimation import already_clean, estimate_sigma, is_clean, noise_map


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def photograph(name: str) -> Tensor:
    """A sample photograph, (1, C, H, W)."""
    return as_tensor(Image.open(Path(sample_path(name))))


def as_tensor(image: Image.Image) -> Tensor:
    pixels = np.atleast_3d(np.array(image))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def salted(image: Tensor, share: float, seed: int = 0) -> Tensor:
    """Salt and pepper on a share of the pixels, all channels of each."""
    chance = torch.rand(1, 1, *image.shape[2:], generator=torch.Generator().manual_seed(seed))
    return torch.where(chance < share / 2, 0.0, torch.where(chance > 1 - share / 2, 1.0, image))


def as_jpeg(name: str, quality: int) -> Tensor:
    buffer = io.BytesIO()
    Image.open(Path(sample_path(name))).save(buffer, "JPEG", quality=quality)
    return as_tensor(Image.open(buffer))


class TestSigma:
    @pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea"])
    def test_whole_photographs(self, name: str) -> None:
        """Within 10%, also clipped to 8 bits; no impulses are found if there are none."""
        clean = photograph(name)
        for sigma in (10, 30):
            noisy = clean + noise(*clean.shape) * sigma / 255
            rounded = noisy.clamp(0, 1).mul(255).round() / 255
            for given in (noisy, rounded):
                estimate = estimate_sigma(given)
                assert estimate.shape == clean.shape[:2]
                assert torch.allclose(estimate * 255, torch.tensor(float(sigma)), rtol=0.1)

    @pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
    @pytest.mark.parametrize("name", ["camera", "coffee"])
    def test_impulses_count(self, name: str, share: float) -> None:
        """The estimate is the standard deviation of the whole noise, including impulses."""
        clean = photograph(name)
        noisy = salted(clean, share)
        true = (noisy - clean).std(dim=(2, 3))
        assert torch.allclose(estimate_sigma(noisy), true, rtol=0.2)

    def test_impulses_with_other_noise(self) -> None:
        """Variances add up."""
        clean = torch.full((1, 1, 200, 200), 0.5)
        noisy = salted(clean + 0.03 * noise(*clean.shape), 0.02)
        assert estimate_sigma(noisy).item() == pytest.approx((noisy - clean).std().item(), rel=0.1)

    def test_impulses_with_noise_and_texture(self) -> None:
        """Texture that the colours share is not taken for noise, with impulses among them too."""
        texture = 0.8 * noise(1, 1, 301, 301)
        texture = texture[..., :300, :300] + torch.nn.functional.avg_pool2d(texture, 2, 1)
        clean = 0.5 + texture * 8 / 255
        noisy = salted(clean + noise(1, 3, 300, 300, seed=1) * 8 / 255, 0.002)
        true = (noisy - clean).std(dim=(2, 3))
        assert torch.allclose(estimate_sigma(noisy), true, rtol=0.1)

    def test_large_pictures_are_sampled(self) -> None:
        """A picture of three megapixels gives the same as a part of it."""
        image = 0.5 + 0.05 * noise(1, 1, 1700, 2000)
        assert estimate_sigma(image).item() == pytest.approx(0.05, rel=0.04)
        assert estimate_sigma(image[..., :3, :]).item() == pytest.approx(0.05, rel=0.4)
        assert estimate_sigma(image.view(1, 1, 2, -1)).item() == pytest.approx(0.05, rel=0.4)

    def test_an_image_of_one_pixel(self) -> None:
        """The noise of one pixel cannot be measured, so the estimate is zero."""
        assert estimate_sigma(torch.rand(2, 3, 1, 1)).tolist() == [[0.0] * 3] * 2

    def test_any_estimator(self) -> None:
        """A name, a mapping, or a function of the image."""
        image = 0.5 + 0.05 * noise(1, 2, 100, 100)
        assert torch.allclose(estimate_sigma(image, "mad"), torch.tensor(0.05), rtol=0.1)
        spec = {"name": "block_dct", "levels": 1}
        assert torch.allclose(estimate_sigma(image, spec), torch.tensor(0.05), rtol=0.1)
        constant = estimate_sigma(image, lambda given: torch.full(given.shape[:2], 0.25))
        assert constant.tolist() == [[0.25, 0.25]]
        with pytest.raises(UnknownNameError):
            estimate_sigma(image, "pca")

    def test_the_image_is_left_alone(self) -> None:
        """Filling in impulses happens on a copy."""
        image = salted(torch.full((1, 1, 64, 64), 0.5), 0.1)
        before = image.clone()
        estimate_sigma(image)
        noise_map(image)
        assert torch.equal(image, before)

    def test_arrays_that_are_refused(self) -> None:
        """An empty array, one without four dimensions, and one with NaN."""
        for wrong in (torch.zeros(1, 3, 0, 5), torch.zeros(3, 8, 8)):
            with pytest.raises(InputError, match="an image is"):
                estimate_sigma(wrong)
        with pytest.raises(InputError, match="finite"):
            estimate_sigma(torch.full((1, 1, 8, 8), torch.nan))


class TestMap:
    def test_two_halves(self) -> None:
        """Different noise left and right, on a photograph: within 15% away from the border."""
        clean = photograph("coffee")[..., :256, 100:500]
        width = clean.shape[-1]
        sigma = torch.where(torch.arange(width) < width // 2, 10 / 255, 30 / 255)
        found = noise_map(clean + noise(*clean.shape) * sigma) * 255
        assert found.shape == (1, 1, *clean.shape[2:])
        assert float(found[..., : width // 2 - 60].mean()) == pytest.approx(10, rel=0.15)
        assert float(found[..., width // 2 + 60 :].mean()) == pytest.approx(30, rel=0.15)

    def test_noise_that_depends_on_brightness(self) -> None:
        """Dark and bright half of a ramp, within 15%."""
        clean = torch.linspace(0.1, 0.9, 400).expand(1, 3, 200, 400)
        sigma = (0.001 + 0.01 * clean).sqrt()
        found = noise_map(clean + sigma * noise(1, 3, 200, 400))
        for half in (slice(0, 200), slice(200, 400)):
            expected = sigma[..., half].mean().item()
            assert found[..., half].mean().item() == pytest.approx(expected, rel=0.15)

    def test_even_noise_gives_an_even_map(self) -> None:
        """On a photograph, 90% of the map is within 15%, and neighbours are similar."""
        clean = photograph("chelsea")[..., :256]
        found = noise_map(clean + noise(*clean.shape) * 20 / 255) * 255
        assert float(found.quantile(0.05)) > 17
        assert float(found.quantile(0.95)) < 23
        assert float(found.diff(dim=3).abs().max()) < 0.5

    @pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 300), (70, 65)])
    def test_any_size(self, size: tuple[int, int]) -> None:
        """The map has the size of the image, and is finite and not negative."""
        found = noise_map(0.5 + 0.1 * noise(2, 3, *size))
        assert found.shape == (2, 1, *size)
        assert bool(torch.isfinite(found).all())
        assert bool((found >= 0).all())


class TestClean:
    @pytest.mark.parametrize("name", ["camera", "coffee", "chelsea", "brick"])
    def test_clean_photographs(self, name: str) -> None:
        """They are recognised, but not with noise of 2/255, 1% of impulses or JPEG blocks."""
        clean = photograph(name)
        assert already_clean(clean)
        clean = clean[..., :400, :400]
        noisy = (clean + noise(*clean.shape) * 2 / 255).clamp(0, 1).mul(255).round() / 255
        assert not is_clean(estimate_sigma(noisy))
        assert not is_clean(estimate_sigma(salted(clean, 0.01)))
        assert not already_clean(as_jpeg(name, 30))

    def test_one_noisy_channel_is_enough(self) -> None:
        """A single number is accepted, too."""
        assert is_clean(torch.tensor([[0.001, 0.002, 0.001]]))
        assert not is_clean(torch.tensor([[0.001, 0.02, 0.001]]))
        assert is_clean(0.0)
        assert not is_clean(0.01)

    def test_a_known_sigma_is_used(self) -> None:
        """The noise is not estimated again."""
        assert not already_clean(torch.full((1, 1, 64, 64), 0.5), torch.tensor([[0.1]]))


class TestDefects:
    def test_single_pixels_are_found(self) -> None:
        """With their positions and the median of their neighbours."""
        plane = torch.full((20, 30), 0.4)
        plane[5, 7], plane[12, 20] = 1.0, 0.0
        places, around = find_impulses(plane)
        assert places.tolist() == [5 * 30 + 7, 12 * 30 + 20]
        assert torch.allclose(around, torch.tensor(0.4))

    def test_lines_and_areas_are_not(self) -> None:
        """A line, a star of 2x2 pixels and a black area are not impulses."""
        plane = torch.full((40, 40), 0.4)
        plane[5], plane[10:12, 10:12], plane[20:30, 20:30] = 1.0, 1.0, 0.0
        assert len(find_impulses(plane)[0]) == 0

    def test_clipped_noise_is_not_impulses(self) -> None:
        """Noise of 0.2 reaches black and white everywhere."""
        plane = (0.5 + 0.2 * noise(200, 200)).clamp(0, 1)
        assert len(find_impulses(plane, 0.2)[0]) == 0

    @pytest.mark.parametrize("crop", [0, 3, 5])
    def test_blocks_are_found_wherever_the_grid_starts(self, crop: int) -> None:
        """Stronger compression gives larger values; tiny images give 0."""
        found = [blockiness(as_jpeg("coffee", q)[..., crop:, crop:]) for q in (10, 30, 60)]
        assert found == sorted(found, reverse=True)
        assert found[-1] > 10 * blockiness(photograph("coffee")[..., crop:, crop:])
        assert blockiness(torch.rand(1, 1, 16, 16)) == 0
