"""Make the picture at the top of the README: a photograph before and after restoring it.

    python examples/readme_picture.py docs/images/denoised.jpg

A sample photograph of scikit-image gets the noise of a camera in a dark room. The bundled weights
restore it with the default settings. They were not trained on this photograph.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import restorekit
from restorekit.storage.atomic import atomic_path

SEED = 3
MARGIN, CAPTION = 12, 30  # pixels

Pixels = NDArray[np.uint8]


def main() -> None:
    """Write the picture and print the PSNR before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--side", type=int, help="use only the central square of this side")
    arguments = parser.parse_args()
    clean = middle(data.chelsea(), arguments.side)
    noisy = with_noise(clean)
    restored = restorekit.denoise(noisy)
    titles = [
        f"{name}, {psnr(image, clean):.1f} dB"
        for name, image in (("noisy", noisy), ("restorekit denoise", restored))
    ]
    with atomic_path(arguments.output) as temporary:
        side_by_side([noisy, restored], titles).save(temporary, "JPEG", quality=90)
    print("; ".join(titles))


def middle(image: Pixels, side: int | None) -> Pixels:
    """The central square of an image, or the whole image."""
    if side is None:
        return image
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def with_noise(clean: Pixels) -> Pixels:
    """The image as a camera would take it in a dark room."""
    batch = torch.from_numpy(clean).movedim(2, 0)[None] / 255
    noise = restorekit.create_noise("camera", shot=0.01, smooth=0.4, demosaicing="malvar")
    noisy = noise(batch, torch.Generator().manual_seed(SEED)).noisy[0]
    pixels: Pixels = (noisy.movedim(0, 2) * 255).round().byte().numpy()
    return pixels


def psnr(image: Pixels, clean: Pixels) -> float:
    """The PSNR of an image of 8 bits in dB."""
    error = np.square(image.astype(float) - clean).mean()
    return float(10 * np.log10(255**2 / error))


def side_by_side(images: list[Pixels], titles: list[str]) -> Image.Image:
    """Images next to each other, each below its title."""
    height, width = images[0].shape[:2]
    sheet = Image.new("RGB", (len(images) * (width + MARGIN) - MARGIN, CAPTION + height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    for index, (image, title) in enumerate(zip(images, titles, strict=True)):
        left = index * (width + MARGIN)
        draw.text((left, 4), title, "black", font)
        sheet.paste(Image.fromarray(image), (left, CAPTION))
    return sheet


if __name__ == "__main__":
    main()
