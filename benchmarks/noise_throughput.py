"""Samples per second of every registered noise, in batches of 32x3x128x128.

    python benchmarks/noise_throughput.py [--device cuda] [--turns 15]

Noises with their defaults; those made of others get gaussian and salt_and_pepper, and kornia gets
RandomGaussianNoise. Medians.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from timing import add_device, name_of, now

from restorekit.components.kinds import noises

SHAPE = (32, 3, 128, 128)
REQUIRED = {
    "noises": ["gaussian", "salt_and_pepper"],
    "noise": "gaussian",
    "augmentation": "RandomGaussianNoise",
}
WARM_UP = 3


def seconds(name: str, clean: torch.Tensor, turns: int) -> float:
    """Return the median time of a batch."""
    needed = [a.name for a in noises.describe(name).arguments if a.required]
    noise = noises.create(name, **{key: REQUIRED[key] for key in needed}).to(clean.device)
    generator = torch.Generator(clean.device).manual_seed(0)
    times = []
    for _ in range(WARM_UP + turns):
        began = now(clean.device)
        noise(clean, generator)
        times.append(now(clean.device) - began)
    return statistics.median(times[WARM_UP:])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_device(parser)
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    print(f"{name_of(device)}; batches of {'x'.join(map(str, SHAPE))}")
    clean = torch.rand(SHAPE, device=device)
    for name in noises.names():
        median = seconds(name, clean, arguments.turns)
        print(f"{name:18} {median * 1000:9.3f} ms   {SHAPE[0] / median:12,.0f} samples/s")


if __name__ == "__main__":
    main()
