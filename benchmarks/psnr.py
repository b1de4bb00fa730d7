"""PSNR and SSIM of noisy and restored pictures: trained weights, a folder, a noise.

    python benchmarks/psnr.py runs/gaussian FOLDER '{"name": "gaussian", "std": 0.1}'

Protocol: float images in [0, 1]; the noise as the noise model makes it (unclipped unless told);
one generator a picture, derived from seed 0 and its place in name order; the noisy and the restored
picture are clamped to [0, 1] and not quantised; PSNR over all channels of the whole picture; means
over the pictures.
"""

from __future__ import annotations

import argparse
import json
import statistics

import torch

from restorekit import create_dataset, load_model, noises
from restorekit.evaluate.metrics import psnr, ssim
from restorekit.train.batches import corrupt
from restorekit.train.plan import restorer


@torch.inference_mode()
def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("folder")
    parser.add_argument("noise", help="a name, or a JSON object with arguments")
    arguments = parser.parse_args()
    spec = arguments.noise
    noise = noises.build(json.loads(spec) if spec.startswith("{") else spec)
    restore = restorer(load_model(arguments.weights))
    pictures = create_dataset("folder", path=arguments.folder, patch_size=None)
    rows = []
    for index in range(len(pictures)):
        clean = pictures[index][None]
        degraded = corrupt(noise, clean, 0, "benchmark", 0, [index])
        restored = restore(degraded.noisy, degraded.sigma).image
        rows.append([float(m(x, clean)) for m in (psnr, ssim) for x in (degraded.noisy, restored)])
    means = [statistics.mean(column) for column in zip(*rows, strict=True)]
    print(
        f"{spec}, {len(rows)} pictures: PSNR {means[0]:.2f} -> {means[1]:.2f} dB, "
        f"SSIM {means[2]:.4f} -> {means[3]:.4f}"
    )


if __name__ == "__main__":
    main()
