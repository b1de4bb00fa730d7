"""OpenCV's inpainting on salt-and-pepper noise, measured as in `restorekit benchmark`.

    python benchmarks/inpainting.py CBSD68 [0.05,0.2]

Needs opencv-python-headless, which restorekit does not. Wrong pixels are taken to be those that are
0 or 255 in every channel, as `median:switching=true` takes them. The noise is the same as that of
`restorekit benchmark --noise salt_and_pepper:0.05,0.2`.
"""

from __future__ import annotations

import statistics
import sys

import cv2
import numpy as np
import torch

from restorekit.config.noise_expressions import read_noises
from restorekit.evaluate.benchmark_pictures import as_float, read_data
from restorekit.evaluate.protocol import Protocol
from restorekit.metric.image_quality import psnr

METHODS = {
    f"{name}, radius {radius}": (flag, radius)
    for name, flag in (("INPAINT_NS", cv2.INPAINT_NS), ("INPAINT_TELEA", cv2.INPAINT_TELEA))
    for radius in (1, 3)
}


def inpainted(noisy: torch.Tensor, flag: int, radius: int) -> torch.Tensor:
    """Fill the wrong pixels of a noisy picture (1, 3, H, W) from their surroundings."""
    levels = (noisy[0].movedim(0, 2) * 255).round().to(torch.uint8).numpy()
    wrong = ((levels == 0) | (levels == 255)).all(axis=2).astype(np.uint8)
    filled = cv2.inpaint(np.ascontiguousarray(levels), wrong, radius, flag)
    return torch.from_numpy(filled).movedim(2, 0)[None] / 255


def main() -> None:
    """Measure and print a table."""
    protocol = Protocol()
    pictures, data = read_data(sys.argv[1], protocol)
    amounts = sys.argv[2] if len(sys.argv) > 2 else "0.05,0.2"
    print(f"OpenCV {cv2.__version__}; {data.describe()}")
    for noise in read_noises(f"salt_and_pepper:{amounts}"):
        found: dict[str, list[float]] = {method: [] for method in METHODS}
        for picture in pictures:
            clean = as_float(picture.image)
            noisy = protocol.degrade(clean, noise).noisy
            for method, settings in METHODS.items():
                found[method].append(float(psnr(inpainted(noisy, *settings), clean)))
        for method, values in found.items():
            print(f"{noise.label}  {method}: {statistics.fmean(values):.2f} dB")


if __name__ == "__main__":
    main()
