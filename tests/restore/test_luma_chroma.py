"""The strength of the change of luma and of colour differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import Tensor, nn

from restorekit.errors import ArgumentError
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.pixel_meaning import PixelMeaning

LUMA = torch.tensor([0.299, 0.587, 0.114])


class Blur(nn.Module):
    """Smooths, in a window that tiles know."""

    def forward(self, noisy: Tensor) -> Tensor:
        blurred = gaussian_filter(noisy.numpy(), (0, 0, 1.5, 1.5), truncate=2)
        return torch.from_numpy(blurred)


def photograph() -> Tensor:
    """A noisy colour photograph that a blur takes nowhere near black or white, (3, 96, 80)."""
    pixels = torch.from_numpy(data.astronaut()[:96, 100:180].copy()).movedim(2, 0)
    noise = 0.05 * torch.randn(3, 96, 80, generator=torch.Generator().manual_seed(0))
    return (0.35 + 0.3 * pixels / 255 + noise).clamp(0.1, 0.9)


def restore(image: Any, **options: Any) -> Any:
    """The image after a blur."""
    return denoise(image, Blur(), force=True, **options)


def luma(image: Tensor) -> Tensor:
    return torch.einsum("c,chw->hw", LUMA, image)


def differences(image: Tensor) -> Tensor:
    """Red and blue minus luma."""
    return image[[0, 2]] - luma(image)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_equal_shares_are_the_strength(share: float) -> None:
    """Bit for bit, in the same way or given apart."""
    image = photograph()
    expected = restore(image, strength=share)
    assert torch.equal(restore(image, strength_luma=share, strength_chroma=share), expected)
    assert torch.equal(restore(image, strength=share, strength_luma=None), expected)


def test_luma_is_unchanged_at_zero() -> None:
    """The colour differences are those of the restored image."""
    image = photograph()
    restored = restore(image)
    result = restore(image, strength_luma=0)
    torch.testing.assert_close(luma(result), luma(image), rtol=0, atol=1e-6)
    torch.testing.assert_close(differences(result), differences(restored), rtol=0, atol=1e-6)
    eight = (image * 255).round().byte()
    rounded = restore(eight, strength_luma=0).float()
    assert float((luma(rounded) - luma(eight.float())).abs().max()) <= 0.5 + 1e-4


def test_colour_is_unchanged_at_zero() -> None:
    """The luma is that of the restored image."""
    image = photograph()
    result = restore(image, strength_chroma=0)
    torch.testing.assert_close(luma(result), luma(restore(image)), rtol=0, atol=1e-6)
    torch.testing.assert_close(differences(result), differences(image), rtol=0, atol=1e-6)


def test_the_default_is_the_common_strength() -> None:
    """One option replaces the common share of its part only."""
    image = photograph()
    result = restore(image, strength=0.5, strength_chroma=0.25)
    change = restore(image) - image
    expected = image + 0.5 * luma(change) + 0.25 * (change - luma(change))
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_gray_images_have_luma_only(dtype: str) -> None:
    """At luma 0 they are returned bit for bit, and the network does not run."""
    image = np.random.default_rng(0).random((20, 30)) * (255 if dtype == "uint8" else 1)
    image = image.astype(dtype)
    assert np.array_equal(denoise(image, nn.Flatten(), strength_luma=0), image)
    assert np.array_equal(restore(image, strength_chroma=0), restore(image))


def test_channels_that_are_not_colours_use_luma() -> None:
    """Infrared next to colour, and three dyes that are not red, green and blue."""
    image = torch.cat([photograph(), photograph()[:1]]).movedim(0, -1).numpy()
    meaning = PixelMeaning(has_alpha=False, colours=3)
    denoiser = Denoiser(Blur(), force=True, strength_luma=0)
    result = denoiser.restore(image, meaning=meaning).image
    assert np.array_equal(result[..., 3], image[..., 3])
    assert not np.allclose(result[..., :3], image[..., :3], atol=1e-3)
    dyes = PixelMeaning(has_alpha=False, colours=1)
    result = denoiser.restore(image[..., :3], meaning=dyes).image
    assert np.array_equal(result, image[..., :3])


@pytest.mark.parametrize("keep_detail", [0.0, 0.7])
def test_it_composes_with_tiles_and_detail(keep_detail: float) -> None:
    """Tiles and memory that is reused give the same, and luma stays."""
    image = photograph()
    options = {"strength_luma": 0.0, "strength": 0.8, "keep_detail": keep_detail}
    whole = restore(image, **options)
    torch.testing.assert_close(restore(image, tile=48, **options), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(luma(whole), luma(image), rtol=0, atol=1e-6)
    denoiser = Denoiser(Blur(), force=True, **options)  # type: ignore[arg-type]
    array = image.movedim(0, -1).numpy().copy()
    result = denoiser.restore(array, in_place=True).image
    np.testing.assert_allclose(result, whole.movedim(0, -1).numpy(), atol=1e-5)


def test_the_safeguard_limits_the_change_first() -> None:
    """Without luma, the change of colour differences is that of the limited result."""
    image = photograph()
    limited = denoise(image, Blur())
    result = denoise(image, Blur(), strength_luma=0)
    torch.testing.assert_close(differences(result), differences(limited), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["strength_luma", "strength_chroma"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "half"])
def test_shares_are_from_0_to_1(name: str, value: Any) -> None:
    """Another value is refused in one line."""
    with pytest.raises(ArgumentError, match=f"{name} is a number from 0 to 1"):
        Denoiser(Blur(), **{name: value})
