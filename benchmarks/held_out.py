"""Pictures that no threshold of the default was chosen on, with many kinds of noise.

They are a random choice of a folder of photographs, at half of their size, which removes most of
the noise that they have themselves. scikit-image's pictures are added where it is installed.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from picture_cases import Case, Noise, Pixels, blurred, cropped, to_pixels, white, with_noise
from PIL import Image

from restorekit import create_noise

Change = Callable[[Pixels, int], Pixels]
# Variance of the shot noise at white; read noise suits it.
ISO = {100: 1e-4, 800: 8e-4, 3200: 3.2e-3}


def held_out(
    photographs: Path, count: int, seed: int, side: int | None
) -> Iterator[tuple[str, Iterator[Case]]]:
    """Cases of each kind of noise.

    Args:
        photographs: a folder.
        count: how many of them are used.
        seed: chooses them.
        side: of the middle that is used, in pixels of the halved picture.
    """
    paths = sorted(path for path in photographs.iterdir() if path.is_file())
    chosen = sorted(random.Random(seed).sample(paths, min(count, len(paths))))
    colour = {path.name: cropped(halved(path), side) for path in chosen}
    gray = {name: np.asarray(Image.fromarray(image).convert("L")) for name, image in colour.items()}
    for name, image in samples():
        (gray if image.ndim == 2 else colour)[name] = cropped(image, side)
    for name, (pictures, change) in kinds(colour, gray).items():
        numbered = enumerate(pictures.items())
        cases = (Case(each, change(clean, number), clean) for number, (each, clean) in numbered)
        yield name, cases


def kinds(
    colour: dict[str, Pixels], gray: dict[str, Pixels]
) -> dict[str, tuple[dict[str, Pixels], Change]]:
    """The pictures of each kind, and the function that adds its noise."""
    neutral = {name: stored_as_colour(image) for name, image in gray.items()}
    made: dict[str, tuple[dict[str, Pixels], Change]] = {}
    for sigma in (0, 1, 2, 3, 5, 15):
        add = partial(plus, white(sigma))
        made[f"colour, sigma {sigma}"] = colour, add
        made[f"gray, sigma {sigma}"] = gray, add
    for sigma in (1, 3, 15):
        made[f"gray as colour, sigma {sigma} each"] = neutral, partial(plus, white(sigma))
        made[f"gray as colour, sigma {sigma} shared"] = neutral, partial(plus_shared, sigma)
    for iso, shot in ISO.items():
        made[f"camera, ISO {iso}"] = colour, partial(of_noise, "camera", {"shot": shot})
    for quality in (60, 85, 95):
        made[f"JPEG {quality}"] = colour, partial(compressed, quality)
    made["sigma 5, JPEG 85"] = colour, partial(plus, white(5), quality=85)
    for gain, level in ((0.002, 1), (0.02, 2)):
        made[f"micrograph, gain {gain}"] = gray, partial(counted, gain, level)
    for radius, sigma in ((1, 3), (2, 3), (1, 10), (2, 10)):
        made[f"sigma {sigma}, blurred by {radius}"] = colour, partial(plus, blurred(radius, sigma))
    return made


def plus(noise: Noise, clean: Pixels, seed: int, quality: int | None = None) -> Pixels:
    """A picture with noise, which is then perhaps compressed."""
    noisy = with_noise(clean, noise, seed)
    return noisy if quality is None else compressed(quality, noisy, seed)


def plus_shared(sigma: float, clean: Pixels, seed: int) -> Pixels:
    """A gray picture stored as colour with gray noise."""
    return stored_as_colour(with_noise(clean[..., 0], white(sigma), seed))


def of_noise(name: str, arguments: dict[str, object], clean: Pixels, seed: int) -> Pixels:
    """A picture with a registered noise."""
    batch = torch.from_numpy(clean).movedim(-1, 0)[None].float() / 255
    generator = torch.Generator().manual_seed(seed)
    noisy = create_noise(name, **arguments)(batch, generator).noisy
    return to_pixels(255 * noisy[0].movedim(0, -1).numpy())


def compressed(quality: int, clean: Pixels, _: int) -> Pixels:
    """A picture after JPEG compression."""
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def counted(gain: float, read_level: float, clean: Pixels, seed: int) -> Pixels:
    """A picture of photons that were counted, with read noise."""
    generator = np.random.default_rng(seed)
    light = gain * generator.poisson(clean / 255 / gain)
    return to_pixels(255 * light + read_level * generator.standard_normal(clean.shape))


def stored_as_colour(gray: Pixels) -> Pixels:
    """A gray picture with three equal channels."""
    return np.repeat(gray[..., None], 3, -1)


def halved(path: Path) -> Pixels:
    """A photograph at half of its size."""
    image = Image.open(path).convert("RGB")
    return np.array(image.reduce(2))


def samples() -> Iterator[tuple[str, Pixels]]:
    """Photographs and micrographs of scikit-image."""
    try:
        from skimage import data
    except ImportError:
        return
    colour = ("astronaut", "chelsea", "coffee", "rocket", "immunohistochemistry", "retina")
    for name in (*colour, "camera", "coins", "moon", "grass", "gravel", "brick", "cell"):
        yield name, getattr(data, name)()
