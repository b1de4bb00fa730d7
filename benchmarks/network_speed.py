"""Seconds per megapixel of swift relative to FFDNet and DnCNN-20, in turns in one run.

    python benchmarks/network_speed.py [--device cuda] [--threads 2] [--side 512]

Untrained networks, one square picture in channels_last: float32 (on CUDA without TF32) and
bfloat16 as `restorekit denoise` runs them (autocast). Medians of nine turns.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from timing import add_device, name_of, now

from restorekit import create_model

TURNS, WARM_UP = 9, 2
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "ffdnet": ("ffdnet", {}),
    "dncnn-20": ("dncnn", {"depth": 20, "batch_norm": False}),
    **{f"swift {size}": ("swift", {"size": size}) for size in ("small", "medium", "large")},
}
NETWORKS = {
    f"{label} {'bfloat16' if half else 'float32'}": (*kind, half)
    for label, kind in KINDS.items()
    for half in (False, True)
}


def runner(
    name: str, arguments: dict[str, Any], half: bool, device: torch.device, side: int
) -> Callable[[], None]:
    """Return a network as a function without arguments."""
    layout = torch.channels_last
    network = create_model(name, **arguments).eval().to(device).to(memory_format=layout)
    picture = torch.rand(1, 3, side, side).to(device, memory_format=layout)
    sigma = torch.full((1, 1, 1, 1), 0.1, device=device)

    def run() -> None:
        autocast = torch.autocast(device.type, torch.bfloat16) if half else nullcontext()
        with torch.inference_mode(), autocast:
            network(picture, sigma=sigma)

    return run


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_device(parser)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.backends.cudnn.allow_tf32 = False
    device = torch.device(given.device)
    print(f"{name_of(device)}; one picture of {given.side}x{given.side}")
    runs = {label: runner(*made, device, given.side) for label, made in NETWORKS.items()}
    seconds: dict[str, list[float]] = {label: [] for label in runs}
    for turn in range(WARM_UP + TURNS):
        for label, run in runs.items():
            began = now(device)
            run()
            if turn >= WARM_UP:
                seconds[label].append(now(device) - began)
    medians = {label: statistics.median(times) for label, times in seconds.items()}
    for label, median in medians.items():
        print(
            f"{label:22} {median * 1000:8.2f} ms  {median / given.side**2 * 1e6:8.4f} s/MP   "
            f"of FFDNet {median / medians['ffdnet float32']:6.3f}   "
            f"of DnCNN-20 {median / medians['dncnn-20 float32']:6.3f}"
        )


if __name__ == "__main__":
    main()
