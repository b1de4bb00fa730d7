"""Returning the detail that a network removed with the noise."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import Tensor, nn

from restorekit.restore.denoise import denoise
from restorekit.restore.detail import return_detail
from restorekit.restore.detail.local_cosine import analyse, synthesise, without_shading
from restorekit.restore.detail.removed_detail import RemovedNoise

SIGMA = 25 / 255


class Known(nn.Module):
    """Returns a known image."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.image = image

    def forward(self, noisy: Tensor) -> Tensor:
        return self.image.expand_as(noisy)


class Blur(nn.Module):
    """Smooths too much."""

    def forward(self, noisy: Tensor) -> Tensor:
        blurred = gaussian_filter(noisy.numpy(), (0, 0, 1.5, 1.5))
        return torch.from_numpy(blurred)


def photograph() -> Tensor:
    """A photograph with texture and flat areas, (3, 240, 256)."""
    return torch.from_numpy(data.astronaut()[:240, 100:356].copy()).movedim(2, 0).float() / 255


def texture(name: str) -> Tensor:
    """A texture of scikit-image, (1, 256, 256), between 0.25 and 0.75."""
    pixels = torch.from_numpy(getattr(data, name)()[:256, :256].copy())
    return 0.25 + pixels[None].float() / 510


def noise(like: Tensor, sigma: float, seed: int = 0) -> Tensor:
    """White noise of the shape of an image."""
    return sigma * torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def psnr(image: Tensor, clean: Tensor) -> float:
    """PSNR in dB."""
    return -10 * float((image.clamp(0, 1) - clean).square().mean().log10())


def returned(noisy: Tensor, restored: Tensor, share: float = 1.0) -> Tensor:
    """What `keep_detail` adds to a known result."""
    return denoise(noisy, Known(restored), keep_detail=share, force=True) - restored


def test_detail_lost_to_smoothing_is_returned() -> None:
    """The result of a blur is nearer to the clean image with its detail."""
    clean = photograph()
    noisy = clean + noise(clean, 15 / 255)
    smoothed, half, full = (
        denoise(noisy, Blur(), keep_detail=share, force=True) for share in (0.0, 0.5, 1.0)
    )
    assert psnr(full, clean) > psnr(half, clean) > psnr(smoothed, clean) + 0.5


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_most_of_a_weakened_texture_is_returned(name: str) -> None:
    """At least half of a texture that is weaker than the noise, by its regression on what is lost.

    The network has removed a fifth of the fine texture. The noise does not correlate with it.
    """
    clean = texture(name)
    fine = clean - torch.from_numpy(gaussian_filter(clean.numpy(), (0, 2, 2)))
    lost = 0.2 * fine
    assert float(lost.std()) < SIGMA / 4
    added = returned(clean + noise(clean, SIGMA), clean - lost)
    assert float((added * lost).sum() / lost.square().sum()) > 0.5


def test_flat_areas_stay_clean() -> None:
    """Next to a texture, constant and shaded areas get back next to none of the noise."""
    clean = torch.linspace(0.3, 0.7, 512).repeat(1, 256, 1)
    clean[..., :256] = texture("grass")
    noisy = clean + noise(clean, SIGMA)
    added = returned(noisy, clean)
    assert float(added[..., :224].square().mean()) > 0.3 * SIGMA**2
    assert float(added[..., 288:].square().mean()) < 0.002 * SIGMA**2


def test_coarse_noise_that_is_left_does_not_count_as_texture() -> None:
    """A network leaves half of a coarse noise; it gets back little of the other half."""
    flat = torch.full((1, 256, 256), 0.5)
    coarse = torch.from_numpy(gaussian_filter(noise(flat, 1.0).numpy(), (0, 1.2, 1.2)))
    coarse = coarse * (10 / 255 / coarse.std()) + noise(flat, 0.5 / 255, seed=1)
    added = returned(flat + coarse, flat + coarse / 2)
    assert float(added.square().mean()) < 0.05 * float((coarse / 2).square().mean())


def test_the_effect_is_proportional() -> None:
    """Every share returns that part of what 1 returns."""
    clean = texture("grass")
    noisy = clean + noise(clean, SIGMA)
    full = returned(noisy, 0.9 * clean)
    assert float(full.std()) > 5 / 255
    for share in (0.1, 0.5, 0.9):
        torch.testing.assert_close(
            returned(noisy, 0.9 * clean, share), share * full, rtol=0, atol=1e-5
        )


def test_impulses_are_not_returned() -> None:
    """Salt and pepper on a texture: less than a hundredth of its energy."""
    clean = texture("gravel")
    struck = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean.clone()
    noisy[struck < 0.05], noisy[struck > 0.95] = 0.0, 1.0
    added = returned(noisy, clean)
    assert float(added.square().mean()) < 0.01 * float((noisy - clean).square().mean())


def test_noise_of_colour_is_not_returned_with_gray_texture() -> None:
    """Red, green and blue get the same back where the texture has no colour."""
    clean = texture("grass").expand(3, -1, -1).contiguous()
    added = returned(clean + noise(clean, SIGMA), clean)
    luma = added.mean(0, keepdim=True)
    assert float((added - luma).square().mean()) < 0.01 * float(luma.square().mean())


def test_channels_that_are_not_colours_are_independent() -> None:
    """The detail of one of five channels is that of the channel alone."""
    clean = torch.cat(
        [
            texture("grass"),
            texture("brick"),
            photograph()[:, :240, :240].mean(0, keepdim=True).repeat(3, 2, 2)[:, :256, :256],
        ]
    )
    noisy = clean + noise(clean, SIGMA)
    together = returned(noisy, clean)
    alone = returned(noisy[1:2], clean[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-5)


def test_white_noise_has_no_structure() -> None:
    """Less than a thousandth of its energy is taken for structure, also where it is stronger."""
    residual = noise(torch.empty(1, 2, 256, 256), 0.1)
    residual[..., 128:] *= 2
    found = RemovedNoise.measure(residual).detail_in(residual, torch.zeros_like(residual))
    assert found.square().mean() < 0.001 * residual.square().mean()


def test_structure_is_found_in_noise() -> None:
    """Most of the stripes in a part of the residual are found."""
    stripes = 0.2 * torch.sin(torch.arange(256) * 0.9).expand(1, 1, 256, 256).clone()
    stripes[..., :200, :] = 0  # structure is not everywhere
    residual = stripes + noise(stripes, 0.1)
    found = RemovedNoise.measure(residual).detail_in(residual, torch.zeros_like(residual))
    assert (found - stripes).square().mean() < 0.4 * stripes.square().mean()


def test_detail_does_not_depend_on_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts in which an image is processed leave no trace."""
    clean = photograph()
    noisy = clean + noise(clean, 15 / 255)
    whole = denoise(noisy, Blur(), keep_detail=1.0, strength=0.5)
    monkeypatch.setattr(return_detail, "_BAND", 64)
    monkeypatch.setattr(return_detail, "_COLUMNS", 96)
    parts = denoise(noisy, Blur(), keep_detail=1.0, strength=0.5)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-5)
    assert not torch.allclose(whole, denoise(noisy, Blur(), strength=0.5), atol=1e-2)


def test_the_local_cosine_transform_is_inverted() -> None:
    """Of any size; without shading, a plane has no coefficients."""
    image = torch.rand(2, 3, 37, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(synthesise(analyse(image), image.shape[-2:]), image)
    down, across = torch.arange(64.0)[:, None], torch.arange(64.0)
    plane = analyse((0.7 + 0.02 * down - 0.03 * across)[None, None])
    inside = without_shading(plane)[..., 2:-2, 2:-2]  # the border is repeated outside
    assert float(inside.abs().max()) < 1e-5
