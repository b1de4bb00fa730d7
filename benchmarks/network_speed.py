"""Seconds per megapixel of swift beside FFDNet and DnCNN-20, as ratios, in turns in one run.

    python benchmarks/network_speed.py [threads]

Untrained networks, one picture of 512x512 in channels_last: float32 and, for swift, bfloat16 as
`restorekit denoise` runs it (autocast). Medians of nine turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch

from restorekit import create_model

SIDE, TURNS = 512, 9
NETWORKS: dict[str, tuple[str, dict[str, object], bool]] = {
    "ffdnet float32": ("ffdnet", {}, False),
    "dncnn-20 float32": ("dncnn", {"depth": 20, "batch_norm": False}, False),
    **{
        f"swift {size} {'bfloat16' if half else 'float32'}": ("swift", {"size": size}, half)
        for size in ("small", "medium", "large")
        for half in (False, True)
    },
}


def runner(name: str, arguments: dict[str, object], half: bool) -> Callable[[], None]:
    """A network as a function without arguments."""
    network = create_model(name, **arguments).eval().to(memory_format=torch.channels_last)
    picture = torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    sigma = torch.full((1, 1, 1, 1), 0.1)

    def run() -> None:
        with torch.inference_mode(), torch.autocast("cpu") if half else nullcontext():
            network(picture, sigma=sigma)

    return run


def main() -> None:
    """Measure and print a table."""
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    runs = {label: runner(*made) for label, made in NETWORKS.items()}
    seconds: dict[str, list[float]] = {label: [] for label in runs}
    for turn in range(TURNS + 1):
        for label, run in runs.items():
            began = time.perf_counter()
            run()
            if turn:  # the first warms up
                seconds[label].append(time.perf_counter() - began)
    medians = {label: statistics.median(times) for label, times in seconds.items()}
    for label, median in medians.items():
        print(
            f"{label:22} {median / SIDE**2 * 1e6:7.3f} s/MP   "
            f"of FFDNet {median / medians['ffdnet float32']:6.3f}   "
            f"of DnCNN-20 {median / medians['dncnn-20 float32']:6.3f}"
        )


if __name__ == "__main__":
    main()
