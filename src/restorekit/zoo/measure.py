"""What a network costs on this machine: time, memory, and how far it looks."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from restorekit.errors import in_one_line
from restorekit.zoo.entries import ZooEntry, weights_of

if TYPE_CHECKING:
    import torch

    from restorekit.networks.network import Network

SIDES = (256, 512)
_RUNS, _LONG = 3, 10.0  # how often a size is timed, and after how many seconds only once


@dataclass(frozen=True)
class Measured:
    """What was measured of a network, with trained weights if there are any for it.

    Attributes:
        receptive_field: the distance in pixels beyond which nothing has an influence; None if the
            whole image has, and for methods without weights.
        seconds: seconds per megapixel for squares of 256 and 512 pixels, by precision and side;
            bfloat16 only where the processor computes in it. On a CPU it is the processor time of
            one thread, which other programs hardly change.
        lossless: whether trained weights lose nothing in bfloat16; None without such weights.
        peak_megabytes: the memory that a square of 512 pixels needs in float32, weights included.
        environment: versions, processor, date.
        error: why nothing was measured, in one line.
    """

    receptive_field: int | None = None
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    lossless: bool | None = None
    peak_megabytes: float | None = None
    environment: dict[str, object] = field(default_factory=dict)
    error: str = ""


def measure(entry: ZooEntry, device: str = "cpu") -> Measured:
    """Measure a network in a process of its own, whose peak memory is that of this network.

    Args:
        entry: the network.
        device: where it runs.
    """
    # Not a fork, which would begin with the memory of this process.
    spawned = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=spawned) as pool:
            return pool.submit(_measure_here, entry, device).result()
    except BrokenProcessPool:
        return Measured(error="the process ended, probably because memory was short")


def _measure_here(entry: ZooEntry, device: str) -> Measured:
    """Measure a network in this process, of which some settings change."""
    import torch

    torch.set_num_threads(1)
    try:
        return _measured(entry, torch.device(device))
    except Exception as error:  # a network may raise anything
        return Measured(error=in_one_line(error))


def _measured(entry: ZooEntry, device: torch.device) -> Measured:
    from dataclasses import asdict

    import torch

    from restorekit.devices import native_dtype
    from restorekit.evaluate.environment import describe_environment
    from restorekit.evaluate.peak_memory import watch_memory
    from restorekit.networks.network import Network
    from restorekit.weights import load_model

    torch.nn.Conv2d(3, 3, 3)(torch.rand(1, 3, 64, 64))  # loads what every network needs
    peak = watch_memory(device)
    before = peak()
    trained = weights_of(entry)
    network = Network((load_model(trained[0]) if trained else entry.create()).to(device))
    seconds = {"float32": _seconds(network, SIDES[-1:], None, device)}
    after = peak()
    seconds["float32"] |= _seconds(network, SIDES[:-1], None, device)
    if (dtype := native_dtype(device)) is not None and network.multiplies:
        seconds[str(dtype).removeprefix("torch.")] = _seconds(network, SIDES, dtype, device)
    return Measured(
        receptive_field=exact_field_of(network) if network.multiplies else None,
        seconds=seconds,
        lossless=network.lossless_dtype is not None if trained else None,
        peak_megabytes=None if before is None or after is None else round(after - before),
        environment=asdict(describe_environment(device, "float32")),
    )


def _seconds(
    network: Network, sides: Sequence[int], dtype: torch.dtype | None, device: torch.device
) -> dict[str, float]:
    """Seconds per megapixel by side."""
    with network.running(dtype):
        return {str(side): _seconds_per_megapixel(network, side, device) for side in sides}


def exact_field_of(network: Network) -> int | None:
    """The receptive field that does not depend on the weights, as in `Measured`."""
    from restorekit.networks.receptive_field import exact_field

    with network.running(None):
        return exact_field(network.probe, network.probe_channels, network.alignment)


def _seconds_per_megapixel(network: Network, side: int, device: torch.device) -> float:
    """The least time of some runs, after one that prepares the network.

    Other programs can only make a run longer.
    """
    import torch

    clock: Callable[[], float] = time.process_time if device.type == "cpu" else time.perf_counter
    noisy = torch.rand(1, network.probe_channels, side, side)
    level = torch.full((1, 1, 1, 1), 0.1)
    measured: list[float] = []
    for _ in range(1 + _RUNS):
        began = clock()
        network(noisy, level)  # the result is on the CPU, so a GPU has finished its work
        measured.append(clock() - began)
        if measured[0] > _LONG:
            break
    return float(f"{min(measured[1:] or measured) / (side * side / 1e6):.3g}")
