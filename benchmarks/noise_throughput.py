"""Noises of restorekit and of other libraries on one thread, in batches of 32x3x128x128.

    python benchmarks/noise_throughput.py [--device cuda] [--turns 15] [--noises NAME] [--peak 30]

Each noise is measured with its defaults, those made of others with gaussian and salt_and_pepper.
Where scikit-image, albumentations, kornia, deepinv or torch are installed and have the kind, they
make the same noise of the same strength, picture by picture where they take no batch. All take
turns within one run. The table has the medians in milliseconds a batch, of CPU time on a CPU, and
the best of a kind.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from other_noises import others
from timing import add_device, name_of, now

from restorekit.components.kinds import noises

SHAPE = (32, 3, 128, 128)
REQUIRED = {
    "noises": ["gaussian", "salt_and_pepper"],
    "noise": "gaussian",
    "augmentation": "RandomGaussianNoise",
}
WARM_UP = 3
# Arguments of the strength that the other libraries are given.
COMPARED = {
    "gaussian": {"std": 0.1},
    "uniform": {"amplitude": 0.1},
    "laplace": {"scale": 0.1},
    "poisson_gaussian": {"read": 0.05},
    "speckle": {"std": 0.1},
    "gamma": {"looks": 4.0},
    "rician": {"std": 0.1},
    "salt_and_pepper": {"amount": 0.05, "per_channel": True},
}
Made = Callable[[torch.Tensor], object]


def ours(name: str, device: torch.device, peak: float) -> Made:
    """A noise of restorekit as a function of the batch, with `peak` photons at a white pixel."""
    described = noises.describe(name).arguments
    needed = {each.name: REQUIRED[each.name] for each in described if each.required}
    photons = {"poisson": {"peak": peak}, "poisson_gaussian": {"gain": 1 / peak}}.get(name, {})
    arguments = {**needed, **COMPARED.get(name, {}), **photons}
    noise = noises.create(name, **arguments).to(device)
    generator = torch.Generator(device).manual_seed(0)
    return lambda clean: noise(clean, generator)


def clock(device: torch.device) -> float:
    """Seconds: of this process on a CPU, which other programs on the machine do not change."""
    return time.process_time() if device.type == "cpu" else now(device)


def medians(rivals: dict[str, Made], clean: torch.Tensor, turns: int) -> dict[str, float]:
    """The median time of a batch in milliseconds, the rivals taking turns."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(WARM_UP + turns):
        for name, make in rivals.items():
            began = clock(clean.device)
            make(clean)
            times[name].append(clock(clean.device) - began)
    return {name: 1000 * statistics.median(each[WARM_UP:]) for name, each in times.items()}


def rows(
    pattern: str, clean: torch.Tensor, turns: int, peak: float
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each noise with the medians of all that make it."""
    for name in noises.names(pattern):
        rivals = {"restorekit": ours(name, clean.device, peak)}
        if clean.device.type == "cpu":
            rivals |= others(name, clean, peak)
        yield name, medians(rivals, clean, turns)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_device(parser)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--noises", default="*")
    parser.add_argument("--peak", type=float, default=30.0, help="photons of a white pixel")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.set_num_threads(1)
    print(f"{name_of(device)}; one thread, batches of {'x'.join(map(str, SHAPE))}, ms a batch")
    clean = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)).to(device)
    for name, found in rows(arguments.noises, clean, arguments.turns, arguments.peak):
        words = "  ".join(f"{library} {median:.1f}" for library, median in found.items())
        best = min(found, key=lambda library: found[library])
        rate = SHAPE[0] / found["restorekit"] * 1000
        print(f"{name:18} {words}   best: {best}   ({rate:,.0f} samples/s)")


if __name__ == "__main__":
    main()
