"""Salt-and-pepper noise, alone and on Gaussian noise, by the default model.

    python benchmarks/impulses.py FOLDER

Prints the mean PSNR in dB on crops of 256x256 pixels of six pictures of a folder, in 8 bits: of the
noisy crops, of `swift-impulse` on the whole of them, of the default, and of the default on the same
noise without impulses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restorekit import Denoiser

SIDE, COUNT = 256, 6
CASES = (
    *((share, 0.0) for share in (0.0001, 0.001, 0.01, 0.1, 0.3)),
    *((share, sigma) for sigma in (10.0, 25.0) for share in (0.01, 0.1)),
)

Pixels = NDArray[np.uint8]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    crops = middles(parser.parse_args().folder)
    automatic = Denoiser("auto")
    alone = Denoiser("swift-impulse", force=True, impulses="off")
    print("| share | other noise | noisy | `swift-impulse` | default | without impulses |")
    print("| --- | --- | --- | --- | --- | --- |")
    for share, sigma in CASES:
        rows = []
        for seed, clean in enumerate(crops):
            random = np.random.default_rng(seed)
            smooth = rounded(clean + sigma * random.standard_normal(clean.shape))
            noisy = with_impulses(smooth, share, random)
            results = [noisy, alone(noisy), automatic(noisy)]
            results += [automatic(smooth)] if sigma else []
            rows.append([psnr(each, clean) for each in results])
        means = [f"{value:.2f}" for value in np.mean(rows, 0)] + [""] * (not sigma)
        other = f"Gaussian {sigma:.0f}" if sigma else "none"
        print(f"| {100 * share:g} % | {other} | {' | '.join(means)} |", flush=True)


def middles(folder: Path) -> list[Pixels]:
    """The middles of evenly chosen pictures of a folder."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg"))
    crops = []
    for path in paths[:: max(1, len(paths) // COUNT)][:COUNT]:
        image = np.asarray(Image.open(path).convert("RGB"))
        top, left = ((length - SIDE) // 2 for length in image.shape[:2])
        crops.append(image[top : top + SIDE, left : left + SIDE])
    return crops


def rounded(values: NDArray[np.float64]) -> Pixels:
    """The values in 8 bits."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def with_impulses(image: Pixels, share: float, random: np.random.Generator) -> Pixels:
    """The image with a share of its pixels black or white in all channels."""
    chance = random.random(image.shape[:2])
    noisy = image.copy()
    noisy[chance < share] = 0
    noisy[chance < share / 2] = 255
    return noisy


def psnr(image: Pixels, clean: Pixels) -> float:
    """The PSNR of an image of 8 bits in dB; 99 if there is no error."""
    error = np.square(image.astype(float) - clean).mean()
    return float(10 * np.log10(255**2 / error)) if error else 99.0


if __name__ == "__main__":
    main()
