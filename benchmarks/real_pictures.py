"""How the default restores pictures of many kinds: the mean and the worst gain of each.

    python benchmarks/real_pictures.py TESTSETS [--only weak,coarse] [--model NAME] [--crop 256]
    python benchmarks/real_pictures.py --held-out PHOTOGRAPHS [--count 60] [--seed 0]

`TESTSETS` is a folder with the sets CBSD68, Kodak24, Nam25 and FMDD12, on which the thresholds of
the default were chosen. `PHOTOGRAPHS` is a folder of others. Noisy pictures have 8 bits.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from held_out import held_out
from picture_cases import (
    Case,
    Noise,
    Pixels,
    as_jpeg,
    blurred,
    cropped,
    read,
    shared,
    white,
    with_noise,
)
from PIL import Image, ImageDraw, ImageFont

from restorekit import Denoiser
from restorekit.restore.denoise_options import DEFAULT_MODEL

WORDS = "The quick brown fox jumps over the lazy dog 0123456789"
TEXT_SIZES = (9, 12, 18, 24, 36)
TOLERATED = 0.02  # loss in dB


@dataclass(frozen=True)
class Settings:
    """What the command line chose."""

    sets: Path
    crop: int | None
    step: int


def main() -> None:
    """Print a row for each kind of picture."""
    arguments = parsed()
    sigma = None if arguments.told is None else arguments.told / 255
    denoiser = Denoiser(arguments.model, sigma=sigma, force=arguments.force)
    titles = ("count", "noisy", "result", "gain", "worst", "worse", "left")
    print(" " * 30 + "".join(f"{title:>8}" for title in titles))
    for name, cases in rows(arguments):
        if re.search(arguments.rows, name):
            report(name, cases, denoiser, arguments.each)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="?")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--rows", default="", help="rows whose name this expression finds")
    parser.add_argument("--held-out", type=Path, help="a folder of photographs")
    parser.add_argument("--count", type=int, default=60, help="how many of them are used")
    parser.add_argument("--seed", type=int, default=0, help="chooses them")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="weights")
    parser.add_argument("--told", type=float, help="noise level given to the network, of 255")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--crop", type=int, help="side of the middle that is used")
    parser.add_argument("--step", type=int, default=1, help="use every n-th picture")
    parser.add_argument("--each", action="store_true", help="also print every picture")
    arguments = parser.parse_args()
    if not (arguments.sets or arguments.held_out):
        parser.error("give a folder of test sets or --held-out")
    return arguments


def rows(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterator[Case]]]:
    """The name and the cases of each row."""
    if arguments.sets:
        settings = Settings(arguments.sets, arguments.crop, arguments.step)
        for kind in arguments.only.split(","):
            yield from KINDS[kind](settings)
    if arguments.held_out:
        yield from held_out(arguments.held_out, arguments.count, arguments.seed, arguments.crop)


def report(name: str, cases: Iterable[Case], denoiser: Denoiser, each: bool) -> None:
    """Restore all cases of a kind, and print their figures, and those that get worse."""
    before, after, left, worse = [], [], 0, 0
    for case in cases:
        outcome = denoiser.restore(case.noisy)
        before.append(psnr(case.noisy, case.clean))
        after.append(psnr(outcome.image, case.clean))
        left += outcome.left_alone is not None
        is_worse = after[-1] < before[-1] - TOLERATED
        worse += is_worse
        if each or is_worse:
            how = outcome.left_alone or (outcome.choice.words if outcome.choice else "")
            print(f"  {case.name:50}{before[-1]:8.3f}{after[-1]:8.3f}  {how}", flush=True)
    gains = np.array(after) - np.array(before)
    print(f"{name:30}{len(gains):8}{np.mean(before):8.2f}{np.mean(after):8.2f}"
          f"{np.mean(gains):8.2f}{np.min(gains):8.3f}{worse:8}{left:8}", flush=True)  # fmt: skip


def psnr(image: Pixels, clean: Pixels) -> float:
    """PSNR in dB, at most 99."""
    error = np.mean((image.astype(float) - clean) ** 2)
    return float(min(99.0, 10 * np.log10(255**2 / max(float(error), 1e-9))))


def pages(_: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Black text on white; its ground truth is the page itself."""
    for size in TEXT_SIZES:
        page = page_of_text(size, is_smooth=False)
        yield f"page {size} px", iter([Case(f"{size}", page, page)])


def noisy_pages(_: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Text with smooth edges and noise, on paper whose white is that of the file, and on darker."""
    for paper in (255, 235):
        clean = {size: page_of_text(size, paper) for size in TEXT_SIZES}
        for sigma in (3, 8, 15, 30):
            cases = (
                Case(f"{size}", with_noise(page, white(sigma), size), page)
                for size, page in clean.items()
            )
            yield f"paper {paper} sigma {sigma}", cases


def page_of_text(size: int, paper: int = 255, is_smooth: bool = True) -> Pixels:
    """Black text of that size in pixels; without smooth edges it has two values."""
    page = Image.new("L", (800, 400), paper)
    draw = ImageDraw.Draw(page)
    draw.fontmode = "L" if is_smooth else "1"
    for top in range(10, 390 - size, size + size // 2):
        draw.text((10, top), WORDS, fill=0, font=ImageFont.load_default(size))
    return np.asarray(page)


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


def stains(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Micrographs of FMDD12 of the same place as the channels of one picture."""
    for colours in ("R", "RG", "RGB", "RGBRG"):
        yield f"FMDD12, stains as {colours}", merged(settings, colours)


def jpegs(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """White noise of 15 in JPEGs with half of the resolution of colour, as most programs write."""
    for quality in (75, 92):
        cases = noised(settings, "Kodak24", white(15))
        saved = (replace(each, noisy=as_jpeg(each.noisy, quality)) for each in cases)
        yield f"Kodak24 sigma 15, JPEG {quality}", saved


def grain(settings: Settings) -> Iterator[tuple[str, Iterator[Case]]]:
    """Noise of 8 that all channels share, white or blurred to be as coarse as film grain."""
    for radius in (0, 0.6, 1, 2):
        noise = shared(blurred(radius, 8.0))
        yield f"Kodak24 shared, blur {radius}", noised(settings, "Kodak24", noise)


KINDS: dict[str, Callable[[Settings], Iterator[tuple[str, Iterator[Case]]]]] = {
    "pages": pages,
    "noisy-pages": noisy_pages,
    "weak": weak,
    "cameras": cameras,
    "coarse": coarse,
    "gaussian": gaussian,
    "stains": stains,
    "jpegs": jpegs,
    "grain": grain,
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


def merged(settings: Settings, colours: str) -> Iterator[Case]:
    """The red, green and blue stains of a set as the channels of pictures; others are black."""
    found = {case.name: case for case in pairs(replace(settings, step=1), "FMDD12", "")}
    for microscope in ("Confocal", "TwoPhoton", "WideField")[:: settings.step]:
        stained = [found[f"{microscope}_BPAE_{colour}_1.png"] for colour in colours]
        black = [np.zeros_like(stained[0].clean)] * (3 - len(stained))
        noisy = np.stack([*(case.noisy for case in stained), *black], 2)
        clean = np.stack([*(case.clean for case in stained), *black], 2)
        yield Case(microscope, noisy, clean)


def noised(settings: Settings, name: str, noise: Noise) -> Iterator[Case]:
    """The pictures of a set with noise, clipped to 8 bits."""
    paths = sorted(settings.sets.joinpath(name).glob("*.png"))
    for number, path in list(enumerate(paths))[:: settings.step]:
        clean = cropped(read(path), settings.crop)
        yield Case(path.name, with_noise(clean, noise, number), clean)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
