"""Noisy pictures with their ground truth, and the noise that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

Pixels = npt.NDArray[np.uint8]
# Makes the noise of a picture of the given shape, in 8-bit levels.
Noise = Callable[[tuple[int, ...], np.random.Generator], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Case:
    """A noisy picture and its ground truth."""

    name: str
    noisy: Pixels
    clean: Pixels


def white(sigma: float) -> Noise:
    """White noise, in 8-bit levels."""
    return lambda shape, generator: sigma * generator.standard_normal(shape)


def blurred(radius: float, sigma: float = 15.0) -> Noise:
    """White noise that is blurred by a Gaussian of that standard deviation in pixels.

    Afterwards it is scaled to the standard deviation `sigma`.
    """

    def noise(shape: tuple[int, ...], generator: np.random.Generator) -> npt.NDArray[np.float64]:
        widths = (radius, radius, *(0 for _ in shape[2:]))
        field = gaussian_filter(generator.standard_normal(shape), widths, mode="wrap")
        return np.asarray(sigma * field / field.std())

    return noise


def shared(noise: Noise) -> Noise:
    """Noise that is the same in every channel, such as film grain."""
    return lambda shape, generator: np.atleast_3d(noise(shape[:2], generator))


def with_noise(clean: Pixels, noise: Noise, seed: int) -> Pixels:
    """A picture with noise, rounded and clipped to 8 bits."""
    return to_pixels(clean + noise(clean.shape, np.random.default_rng(seed)))


def to_pixels(values: npt.NDArray[np.floating]) -> Pixels:
    """8-bit levels, rounded and clipped."""
    return np.asarray(values).round().clip(0, 255).astype(np.uint8)


def as_jpeg(image: Pixels, quality: int) -> Pixels:
    """A picture after JPEG with half of the resolution of colour."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.array(Image.open(file))


def read(path: Path) -> Pixels:
    """The pixels of a picture."""
    return np.array(Image.open(path))


def cropped(image: Pixels, side: int | None) -> Pixels:
    """The middle of an image."""
    if side is None:
        return image
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side].copy()
