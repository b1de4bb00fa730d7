"""Noise that the channels of a colour picture share is removed from luma alone."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from restorekit import Denoiser, create_noise
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.safeguard.guard import Guard


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    """The default."""
    return Denoiser()


def scene() -> Tensor:
    """Coloured discs on a sky, (3, 192, 192), without noise."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, 192) for _ in "yx"), indexing="ij")
    image = torch.stack([0.4 + 0.2 * y, 0.5 + 0.1 * x, 0.7 - 0.2 * y])
    for number, colour in enumerate(([0.8, 0.3, 0.2], [0.2, 0.6, 0.3], [0.3, 0.3, 0.7])):
        inside = (y - 0.25 * (number + 1)) ** 2 + (x - 0.3 * number - 0.2) ** 2 < 0.12**2
        image = torch.where(inside, torch.tensor(colour)[:, None, None], image)
    return image


def shaded_scene() -> Tensor:
    """The scene with edges that the channels share, as those of a photograph."""
    squares = ((torch.arange(192) // 32)[:, None] + torch.arange(192) // 32).remainder(2)
    return scene() * (1 - 0.4 * squares)


def grainy(clean: Tensor, std: float = 8 / 255) -> Tensor:
    """With film grain, in 8 bits."""
    generator = torch.Generator().manual_seed(0)
    noisy = create_noise("grain", std=std, radius=1.0)(clean[None], generator=generator).noisy[0]
    return (255 * noisy).round().clamp(0, 255).to(torch.uint8)


def psnr(image: Tensor, clean: Tensor) -> float:
    """In dB."""
    return float(-10 * torch.log10((image / 255 - clean).square().mean()))


@pytest.fixture(scope="module")
def restored(denoiser: Denoiser) -> DenoiseOutcome[Tensor]:
    """The scene with grain, restored."""
    return denoiser.restore(grainy(scene()))


def test_film_grain_is_removed(restored: DenoiseOutcome[Tensor]) -> None:
    """At least three quarters of its power, and the choice says how."""
    assert psnr(restored.image, scene()) > psnr(grainy(scene()), scene()) + 6
    assert restored.left_alone is None
    assert restored.choice is not None
    assert "in luma alone" in restored.choice.words


def test_white_noise_that_channels_share_is_removed(denoiser: Denoiser) -> None:
    """As the monochromatic noise of image editors; each channel has the same."""
    clean = shaded_scene()
    noise = 8 / 255 * torch.randn(1, 192, 192, generator=torch.Generator().manual_seed(0))
    noisy = (255 * (clean + noise)).round().clamp(0, 255).to(torch.uint8)
    outcome = denoiser.restore(noisy)
    assert psnr(outcome.image, clean) > psnr(noisy, clean) + 6
    assert outcome.choice is not None
    assert "in luma alone" in outcome.choice.words


def test_colour_is_restored_if_it_has_coarse_noise(denoiser: Denoiser) -> None:
    """As JPEG leaves it, with half of the resolution of colour; luma alone would keep it."""
    noise = 15 / 255 * torch.randn(3, 192, 192, generator=torch.Generator().manual_seed(0))
    pixels = (255 * (shaded_scene() + noise)).round().clamp(0, 255).to(torch.uint8)
    file = BytesIO()
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    image.save(file, "JPEG", quality=92, subsampling="4:2:0")
    noisy = np.asarray(Image.open(file))
    restored = denoiser.restore(noisy)
    assert restored.choice is not None
    assert "luma" not in restored.choice.words

    def chroma_error(image: NDArray[np.uint8]) -> float:
        error = image.astype(float) - 255 * shaded_scene().permute(1, 2, 0).numpy()
        return float((error - error.mean(2, keepdims=True)).std())

    assert chroma_error(restored.image) < 0.7 * chroma_error(noisy)


def test_colour_is_kept(restored: DenoiseOutcome[Tensor]) -> None:
    """All channels change by the same value, but for rounding, where none is black or white."""
    noisy = grainy(scene()).int()
    change = restored.image.int() - noisy
    inside = ((noisy > 40) & (noisy < 215)).all(dim=0)
    assert inside.double().mean() > 0.9
    assert (change - change[:1]).abs()[:, inside].max() <= 1
    assert change.abs().max() > 8


def test_strength_scales_the_change(restored: DenoiseOutcome[Tensor]) -> None:
    """Half of it with half of the strength, and only the strength of luma counts."""
    noisy = grainy(scene()).int()
    half = Denoiser(strength_luma=0.5, strength_chroma=0.9).restore(grainy(scene())).image.int()
    difference = half - noisy - (restored.image.int() - noisy) / 2
    assert difference.abs().max() <= 1


def test_a_batch_of_different_pictures(denoiser: Denoiser) -> None:
    """Each is restored as if it were alone, and has three levels."""
    white = scene() + 8 / 255 * torch.randn(
        scene().shape, generator=torch.Generator().manual_seed(1)
    )
    pictures = [grainy(scene()), (255 * white).round().clamp(0, 255).to(torch.uint8)]
    both = denoiser.restore(torch.stack(pictures))
    for picture, result in zip(pictures, both.image, strict=True):
        alone = denoiser.restore(picture)
        assert (result.int() - alone.image.int()).abs().max() <= 1
        assert len(alone.sigma) == 3
        assert min(alone.sigma) > 5 / 255


def test_grain_counts_if_its_estimated_level_is_too_low() -> None:
    """The change that smooth areas show is allowed, whatever the estimate for white noise is."""
    clean = scene().mean(0, keepdim=True)[None]
    noise = create_noise("grain", std=8 / 255, radius=1.0)
    noisy = noise(clean, generator=torch.Generator().manual_seed(0)).noisy
    guard = Guard(torch.full((1, 1), 2 / 255), [None])
    guard.is_luma = True
    limited = guard.limit(slice(0, 1), noisy, clean)
    assert guard.reason is None
    assert (limited - clean).square().mean() < (noisy - clean).square().mean() / 10


def test_colour_alone_is_restored_if_luma_has_no_strength() -> None:
    """Then the luma of the picture is not the way."""
    outcome = Denoiser(strength_luma=0, strength_chroma=1).restore(grainy(scene()))
    assert outcome.choice is not None
    assert "luma" not in outcome.choice.words


def test_texture_that_channels_share_is_kept(denoiser: Denoiser) -> None:
    """Fine stripes in one half of a picture whose other half is smooth."""
    clean = scene()
    clean[:, :, 96:] += (
        0.06
        * (torch.arange(96) % 3 - 1)
        * torch.rand(192, 1, generator=torch.Generator().manual_seed(0)).round()
    )
    pixels = (255 * clean).round().clamp(0, 255).to(torch.uint8)
    assert torch.equal(denoiser.restore(pixels).image, pixels)


def test_a_given_level_is_the_users_choice() -> None:
    """Then the network that the analysis chooses restores all channels."""
    outcome = Denoiser(sigma=8 / 255).restore(grainy(scene()))
    assert outcome.choice is not None
    assert "luma" not in outcome.choice.words
