"""How the default restores pictures of many kinds: the mean and the worst gain of each.

    python benchmarks/real_pictures.py TESTSETS [--only weak,coarse] [--model NAME] [--crop 256]

`TESTSETS` is a folder with the sets CBSD68, Kodak24, Nam25 and FMDD12. Noisy pictures have 8 bits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from restorekit import Denoiser
from restorekit.restore.denoise_options import DEFAULT_MODEL

Pixels = npt.NDArray[np.uint8]
Noise = Callable[[tuple[int, ...], np.random.Generator], npt.NDArray[np.float64]]
WORDS = "The quick brown fox jumps over the lazy dog 0123456789"


@dataclass(frozen=True)
class Case:
    """A noisy picture and its ground truth."""

    name: str
    noisy: Pixels
    clean: Pixels


@dataclass(frozen=True)
class Settings:
    """What the command line chose."""

    sets: Path
    crop: int | None
    step: int


def main() -> None:
    """Print a row for each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path)
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="weights")
    parser.add_argument("--told", type=float, help="noise level given to the network, of 255")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--crop", type=int, help="side of the middle that is used")
    parser.add_argument("--step", type=int, default=1, help="use every n-th picture")
    parser.add_argument("--each", action="store_true", help="also print every picture")
    arguments = parser.parse_args()
    sigma = None if arguments.told is None else arguments.told / 255
    denoiser = Denoiser(arguments.model, sigma=sigma, force=arguments.force)
    settings = Settings(arguments.sets, arguments.crop, arguments.step)
    print(f"{'':22}{'count':>6}{'noisy':>8}{'result':>8}{'gain':>7}{'worst':>8}{'left':>6}")
    for kind in arguments.only.split(","):
        for name, cases in KINDS[kind](settings):
            report(name, list(cases), denoiser, arguments.each)


def report(name: str, cases: list[Case], denoiser: Denoiser, each: bool) -> None:
    """Restore all cases of a kind, and print their figures."""
    before, after, left = [], [], 0
    for case in cases:
        outcome = denoiser.restore(case.noisy)
        before.append(psnr(case.noisy, case.clean))
        after.append(psnr(outcome.image, case.clean))
        left += outcome.left_alone is not None
        if each:
            print(f"  {case.name:24}{before[-1]:8.2f}{after[-1]:8.2f}  {outcome.left_alone or ''}")
    gains = np.array(after) - np.array(before)
    print(f"{name:22}{len(cases):6}{np.mean(before):8.2f}{np.mean(after):8.2f}"
          f"{np.mean(gains):7.2f}{np.min(gains):8.3f}{left:6}", flush=True)  # fmt: skip


def psnr(image: Pixels, clean: Pixels) -> float:
    """PSNR in dB, at most 99."""
    error = np.mean((image.astype(float) - clean) ** 2)
    return float(min(99.0, 10 * np.log10(255**2 / max(float(error), 1e-9))))


def pages(_: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Black text on white; its ground truth is the page itself."""
    sizes = (9, 12, 18, 24, 36)
    for size in sizes:
        page = Image.new("L", (800, 400), 255)
        draw = ImageDraw.Draw(page)
        draw.fontmode = "1"  # without antialiasing
        for top in range(10, 390 - size, size + size // 2):
            draw.text((10, top), WORDS, fill=0, font=ImageFont.load_default(size))
        pixels = np.asarray(page)
        yield f"page {size} px", iter([Case(f"{size}", pixels, pixels)])


def weak(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Clean photographs, and photographs with weak noise."""
    for name in ("CBSD68", "Kodak24"):
        for sigma in (0, 1, 2, 3):
            yield f"{name} sigma {sigma}", noised(settings, name, white(sigma))


def coarse(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Gaussian noise of 15 that is blurred, and then has its old strength."""
    for radius in (1, 2, 3):
        yield f"Kodak24 blur {radius}", noised(settings, "Kodak24", blurred(radius))


def gaussian(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """White noise of 15, 25 and 50."""
    for sigma in (15, 25, 50):
        yield f"Kodak24 sigma {sigma}", noised(settings, "Kodak24", white(sigma))


def cameras(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Noisy pictures of cameras and of microscopes."""
    for name, clean in (("Nam25", "gt"), ("FMDD12", "")):
        yield name, pairs(settings, name, clean)


KINDS: dict[str, Callable[[Settings], Iterator[tuple[str, Iterator[Case]]]]] = {
    "pages": pages,
    "weak": weak,
    "cameras": cameras,
    "coarse": coarse,
    "gaussian": gaussian,
}


def pairs(settings: Settings, name: str, clean: str) -> Iterator[Case]:
    """The pairs of a set with the folders `noisy` and `gt`."""
    for path in sorted((settings.sets / name / "noisy").iterdir())[:: settings.step]:
        truth = path.name.replace("noise", clean) if clean else path.name
        noisy, given = (
            cropped(read(each), settings.crop)
            for each in (path, settings.sets / name / "gt" / truth)
        )
        yield Case(path.name, noisy, given)


def noised(
    settings: Settings, name: str, noise: Callable[..., npt.NDArray[np.float64]]
) -> Iterator[Case]:
    """The pictures of a set with noise, clipped to 8 bits."""
    paths = sorted(settings.sets.joinpath(name).glob("*.png"))
    for number, path in list(enumerate(paths))[:: settings.step]:
        clean = cropped(read(path), settings.crop)
        noisy = clean + noise(clean.shape, np.random.default_rng(number))
        yield Case(path.name, noisy.round().clip(0, 255).astype(np.uint8), clean)


def white(sigma: float) -> Noise:
    """White noise, in 8-bit levels."""
    return lambda shape, generator: sigma * generator.standard_normal(shape)


def blurred(radius: float) -> Noise:
    """Noise of 15 that is blurred by a Gaussian of that standard deviation in pixels."""

    def noise(shape: tuple[int, ...], generator: np.random.Generator) -> npt.NDArray[np.float64]:
        field = gaussian_filter(generator.standard_normal(shape), (radius, radius, 0), mode="wrap")
        return np.asarray(15 * field / field.std())

    return noise


def read(path: Path) -> Pixels:
    """The pixels of a picture."""
    return np.array(Image.open(path))


def cropped(image: Pixels, side: int | None) -> Pixels:
    """The middle of an image."""
    if side is None:
        return image
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side].copy()


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
