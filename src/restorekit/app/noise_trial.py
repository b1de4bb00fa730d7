"""Noise added to a clean picture, and how well it is removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from restorekit.app.close_up import box_at, describe
from restorekit.app.opened_picture import Pixels, as_shown, part_of
from restorekit.app.restoring_settings import RestoringSettings, denoiser_for
from restorekit.components.kinds import noises
from restorekit.metric.image_quality import psnr, ssim
from restorekit.operations.noise_files import AddedNoise
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.one_file import PagePlace
from restorekit.pictures.tensors import pixels_to_tensor
from restorekit.restore.pixel_meaning import PixelMeaning

LARGEST = 1024  # pixels on a side, so that a trial takes seconds
_SMALLEST = 11  # the window of SSIM


@dataclass(frozen=True)
class NoiseKind:
    """A noise with one number to choose.

    Attributes:
        label: its name on the page.
        name: its registered name.
        argument: the argument that the number sets.
        unit: what the number is.
        largest: the largest number; the smallest is 1.
        usual: the number at the start.
        scale: the argument is the number times this.
    """

    label: str
    name: str
    argument: str
    unit: str
    largest: int
    usual: int
    scale: float

    def spec(self, amount: float) -> Mapping[str, Any]:
        """The noise with a number, as configurations name it."""
        value = amount * self.scale
        return {"name": self.name, self.argument: round(value) if self.name == "jpeg" else value}


NOISE_KINDS = {
    kind.label: kind
    for kind in (
        NoiseKind("Grain (Gaussian)", "gaussian", "std", "Strength, of 255", 100, 25, 1 / 255),
        NoiseKind("Camera in dim light", "camera", "shot", "Darkness", 100, 40, 1e-4),
        NoiseKind("Film grain", "grain", "std", "Strength, of 255", 50, 15, 1 / 255),
        NoiseKind("White and black specks", "salt_and_pepper", "amount", "Pixels, %", 30, 5, 0.01),
        NoiseKind("Uniform", "uniform", "amplitude", "Strength, of 255", 100, 40, 1 / 255),
        NoiseKind("JPEG compression", "jpeg", "quality", "Quality", 95, 30, 1),
    )
}


@dataclass(frozen=True)
class NoiseTrial:
    """A clean picture with noise, and restored.

    Attributes:
        noisy: (H, W, 3) of 8 bits.
        restored: the same restored.
        psnr: of the noisy and the restored picture, in dB.
        ssim: the same for SSIM; None for a picture that is too small.
        words: how it was restored.
    """

    noisy: Pixels
    restored: Pixels
    psnr: tuple[float, float]
    ssim: tuple[float, float] | None
    words: str


def try_noise(
    clean: Picture, noise: Mapping[str, Any], settings: RestoringSettings, seed: int = 0
) -> NoiseTrial:
    """Add noise to the middle of a clean picture, restore that, and measure both.

    The noisy picture has the depth of the clean one, as in a file.

    Args:
        clean: the picture; at most `LARGEST` pixels on a side are used.
        noise: a noise by name and arguments.
        settings: how it is restored.
        seed: the seed of the noise.

    Raises:
        RestoreKitError: the noise cannot be made, or the picture not restored.
    """
    height, width = clean.pixels.shape[:2]
    clean = part_of(clean, box_at((height, width), (0.5, 0.5), LARGEST))
    place = PagePlace(0, Path("clean"), Path("noisy"))
    noisy = AddedNoise(noises.build(noise), seed)(clean, place)
    outcome = denoiser_for(settings).restore(noisy.pixels, meaning=PixelMeaning.of(noisy))
    restored = replace(noisy, pixels=outcome.image)
    target, *images = (_tensor(each, clean) for each in (clean, noisy, restored))
    is_large = min(target.shape[2:]) >= _SMALLEST
    before, after = (float(psnr(image, target)) for image in images)
    likeness = tuple(float(ssim(image, target)) for image in images) if is_large else None
    return NoiseTrial(
        as_shown(noisy),
        as_shown(restored),
        (before, after),
        None if likeness is None else (likeness[0], likeness[1]),
        describe(outcome),
    )


def _tensor(picture: Picture, clean: Picture) -> Tensor:
    colours = picture.pixels[..., : clean.colours]
    return pixels_to_tensor(colours, clean.white, clean.black)[None]
