"""How accurate the measurements of `restorekit analyze` are, on noise that is known.

    python benchmarks/estimates.py CBSD68 Kodak24 [--step 4] [--only white,curve]
    python benchmarks/estimates.py PHOTOGRAPHS --count 24 --seed 0 --reduce 2 --crop 512

Each row is an estimate in one condition, over all pictures: the share of the errors within the
limit, and the median error. Photographs have noise of their own, which counts as an error here;
reducing them weakens it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from held_out import compressed
from picture_cases import Pixels, blurred, cropped, to_pixels, white
from PIL import Image, ImageDraw, ImageFont

from restorekit import create_measurement
from restorekit.estimate.image_sample import ImageSample

Floats = npt.NDArray[np.float64]
# The condition, and the error of each estimate. Errors are relative, unless the condition tells.
Row = tuple[str, float, list[float]]


def main() -> None:
    """Print the table."""
    arguments = parsed()
    pictures = {"colour": list(read_pictures(arguments))}
    pictures["gray"] = [np.array(Image.fromarray(each).convert("L")) for each in pictures["colour"]]
    print(f"{len(pictures['gray'])} pictures")
    print(f"{'condition':52}{'limit':>7}{'count':>7}{'within':>8}{'median':>8}")
    for kind in arguments.only.split(","):
        for condition, limit, errors in KINDS[kind](pictures):
            found = np.abs(errors)
            shares = f"{np.mean(found <= limit):>8.1%}{np.median(found):>8.3f}"
            name = f"{kind}: {condition}"
            print(f"{name:52}{limit:>7.2f}{len(found):>7}{shares}", flush=True)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of photographs")
    parser.add_argument("--step", type=int, default=1, help="use every n-th picture")
    parser.add_argument("--count", type=int, help="use a random choice of so many pictures")
    parser.add_argument("--seed", type=int, default=0, help="chooses them")
    parser.add_argument("--reduce", type=int, default=1, help="average squares of so many pixels")
    parser.add_argument("--crop", type=int, help="side of the middle that is used")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, separated by commas")
    return parser.parse_args()


def read_pictures(arguments: argparse.Namespace) -> Iterator[Pixels]:
    """The photographs of the folders that are used."""
    for folder in arguments.folders:
        paths = sorted(path for path in folder.iterdir() if path.is_file())[:: arguments.step]
        if arguments.count is not None:
            count = min(arguments.count, len(paths))
            paths = sorted(random.Random(arguments.seed).sample(paths, count))
        for path in paths:
            image = Image.open(path).convert("RGB").reduce(arguments.reduce)
            yield cropped(np.array(image), arguments.crop)


def sample(pixels: npt.NDArray[np.generic]) -> ImageSample:
    """What measurements get of 8-bit pixels, or of floats in 8-bit levels."""
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    is_rounded = pixels.dtype == np.uint8
    image = torch.from_numpy(planes.astype(np.float32) / 255)
    return ImageSample.of(image, 255 if is_rounded else None)


def white_noise(pictures: dict[str, list[Pixels]]) -> Iterator[Row]:
    """The level of each channel."""
    measure = create_measurement("noise_scales")
    for colour, images in pictures.items():
        for sigma in (1, 2, 3, 5, 10, 25, 50, 75):
            for rounded in (True, False) if sigma <= 5 else (True,):
                errors = []
                for seed, clean in enumerate(images):
                    noisy = clean + white(sigma)(clean.shape, np.random.default_rng(seed))
                    channels = measure(sample(to_pixels(noisy) if rounded else noisy)).channels
                    errors += [255 * levels[0] / sigma - 1 for levels in channels]
                yield f"{colour}, sigma {sigma}{'' if rounded else ', floats'}", 0.1, errors


def coarse_noise(pictures: dict[str, list[Pixels]]) -> Iterator[Row]:
    """The level of each channel, and the correlation length, of blurred noise."""
    scales, correlation = create_measurement("noise_scales"), create_measurement("correlation")
    for colour, images in pictures.items():
        for sigma, radius in ((15, 0.6), (15, 1), (15, 2), (15, 3), (15, 4), (30, 2)):
            levels, lengths = [], []
            for seed, clean in enumerate(images):
                generator = np.random.default_rng(seed)
                of = sample(to_pixels(clean + blurred(radius, sigma)(clean.shape, generator)))
                levels += [255 * each[0] / sigma - 1 for each in scales(of).channels]
                found = correlation(of)
                planes = [found.luma] if found.chroma is None else [found.luma, found.chroma]
                lengths += [(y * x) ** 0.5 / radius - 1 for y, x in planes]
            name = f"{colour}, sigma {sigma}, blurred by {radius}"
            yield f"{name}, level", 0.1, levels
            yield f"{name}, length", 0.25, lengths


def curves(pictures: dict[str, list[Pixels]]) -> Iterator[Row]:
    """Gain of photon noise with read noise; trust is an error of 0 or 1."""
    measure = create_measurement("noise_curve")
    for colour, images in pictures.items():
        for gain in (0.002, 0.005, 0.02, 0.05):
            for read_level in (0, 2, 6):
                errors, trusted = [], []
                for seed, clean in enumerate(images):
                    noisy = counted(gain, read_level, clean, np.random.default_rng(seed))
                    found = measure(sample(noisy))
                    errors.append(found.curve.gain / gain - 1)
                    trusted.append(found.is_trustworthy)
                name = f"{colour}, gain {gain}, read {read_level}"
                yield f"{name}, trusted", 0, [float(not each) for each in trusted]
                yield f"{name}, gain", 0.15, errors
                sure = [error for error, each in zip(errors, trusted, strict=True) if each]
                yield f"{name}, gain if trusted", 0.15, sure


def counted(
    gain: float, read_level: float, clean: Pixels, generator: np.random.Generator
) -> Pixels:
    """A picture of photons that were counted, with read noise in 8-bit levels."""
    light = 255 * gain * generator.poisson(clean / 255 / gain)
    return to_pixels(light + read_level * generator.standard_normal(clean.shape))


def impulses(pictures: dict[str, list[Pixels]]) -> Iterator[Row]:
    """The share of salt and pepper, alone and after Gaussian noise; and that of text."""
    measure = create_measurement("impulses")
    for colour, images in pictures.items():
        for sigma in (0, 10):
            for share in (0.01, 0.05, 0.2):
                errors = []
                for seed, clean in enumerate(images):
                    generator = np.random.default_rng(seed)
                    noisy = to_pixels(clean + white(sigma)(clean.shape, generator))
                    hit = generator.random(clean.shape) < share
                    noisy[hit] = 255 * generator.integers(0, 2, int(hit.sum()))
                    errors.append(measure(sample(noisy)).share / hit.mean() - 1)
                yield f"{colour}, share {share}, on sigma {sigma}", 0.1, errors
    yield "text of 0 and 255, share", 0, [measure(sample(each)).share for each in pages()]


def pages() -> Iterator[Pixels]:
    """Black text on white."""
    for size in (9, 12, 18, 24, 36):
        page = Image.new("L", (600, 300), 255)
        draw = ImageDraw.Draw(page)
        draw.fontmode = "1"  # without antialiasing
        for top in range(10, 290 - size, size + size // 2):
            draw.text((10, top), "The quick brown fox 0123456789", 0, ImageFont.load_default(size))
        yield np.array(page)


def jpegs(pictures: dict[str, list[Pixels]]) -> Iterator[Row]:
    """The quality in crops whose blocks begin anywhere; errors are absolute.

    The photographs are resized first, because some of them were a JPEG before.
    """
    measure = create_measurement("jpeg")
    fresh = [resized(each) for each in pictures["colour"]]
    for side in (256, None):
        for quality in (50, 75, 90, 95, 97):
            errors = []
            for seed, clean in enumerate(fresh):
                top, left = np.random.default_rng(seed).integers(0, 8, 2)
                crop = cropped(compressed(quality, clean, seed), side)[top:, left:]
                measured = measure(sample(crop)).quality
                errors.append(100 if measured is None else measured - quality)
            yield f"quality {quality}, {'whole' if side is None else f'{side} px'}", 1, errors
    found = [measure(sample(cropped(each, 256))).quality is not None for each in fresh]
    yield "never compressed, 256 px", 0, [float(each) for each in found]


def resized(pixels: Pixels) -> Pixels:
    """A picture at 0.9 of its size."""
    height, width = (round(0.9 * side) for side in pixels.shape[:2])
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


KINDS: dict[str, Callable[[dict[str, list[Pixels]]], Iterator[Row]]] = {
    "white": white_noise,
    "coarse": coarse_noise,
    "curve": curves,
    "impulses": impulses,
    "jpeg": jpegs,
}


if __name__ == "__main__":
    main()
