"""What a network costs on this machine: time, memory, and how far it looks."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from restorekit.errors import in_one_line
from restorekit.memory import is_out_of_memory
from restorekit.zoo.entries import ZooEntry, weights_of

if TYPE_CHECKING:
    import torch

    from restorekit.networks.network import Network

Result = TypeVar("Result")

SIDES = (256, 512)
MEMORY_SIDES = (512, 1024)  # four times the pixels: memory that grows with their square is seen
_SHORT = "the process ended, probably because memory was short"
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
        peak_megabytes: the memory that squares of 512 and 1024 pixels need in float32, weights
            included, by side; None where the system does not say it or has too little.
        environment: versions, processor, date.
        error: why nothing was measured, or not the memory, in one line.
    """

    receptive_field: int | None = None
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    lossless: bool | None = None
    peak_megabytes: dict[str, float | None] = field(default_factory=dict)
    environment: dict[str, object] = field(default_factory=dict)
    error: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.error and all(str(side) in self.peak_megabytes for side in MEMORY_SIDES)


def measure(entry: ZooEntry, known: Measured | None = None, device: str = "cpu") -> Measured:
    """Measure a network in processes of its own.

    Args:
        entry: the network.
        known: an earlier measurement; only what it lacks is measured.
        device: where it runs.
    """
    if known is None or not known.seconds:
        found = _apart(_costs, entry, device)
        if isinstance(found, str):
            return Measured(error=found)
        known = found
    measured = replace(known, error="")
    for side in MEMORY_SIDES:
        if str(side) not in measured.peak_megabytes:
            peak = _apart(_peak_megabytes, entry, device, side)
            if isinstance(peak, str) and peak != _SHORT:
                return replace(measured, error=f"{side}x{side} pixels: {peak}")
            peaks = {**measured.peak_megabytes, str(side): None if isinstance(peak, str) else peak}
            measured = replace(measured, peak_megabytes=peaks)
    return measured


def _apart(measured: Callable[..., Result], *args: object) -> Result | str:
    """What a function returns in a process of its own, or why it returned nothing."""
    # Not a fork, which would begin with the memory of this process.
    spawned = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=spawned) as pool:
            return pool.submit(_or_reason, measured, *args).result()
    except BrokenProcessPool:
        return _SHORT
    except Exception as error:  # such as a network that cannot be sent to the process
        return in_one_line(error)


def _or_reason(measured: Callable[..., Result], *args: object) -> Result | str:
    """What a function returns, or why it failed; some exceptions cannot leave the process."""
    try:
        return measured(*args)
    except Exception as error:  # a network may raise anything
        return _SHORT if is_out_of_memory(error) else in_one_line(error)


def _peak_megabytes(entry: ZooEntry, device_name: str, side: int) -> float | None:
    """The peak memory of this process while it loads a network and runs it once."""
    import torch

    from restorekit.evaluate.peak_memory import watch_memory

    torch.set_num_threads(1)
    device = torch.device(device_name)
    torch.nn.Conv2d(3, 3, 3)(torch.rand(1, 3, 64, 64))  # loads what every network needs
    peak = watch_memory(device)
    before = peak()
    network = _network(entry, device)
    with network.running(None):
        network(*_noisy(network, side))
    after = peak()
    return None if before is None or after is None else round(after - before)


def _costs(entry: ZooEntry, device_name: str) -> Measured:
    """All but the memory."""
    from dataclasses import asdict

    import torch

    from restorekit.devices import native_dtype
    from restorekit.evaluate.environment import describe_environment

    torch.set_num_threads(1)
    device = torch.device(device_name)
    network = _network(entry, device)
    seconds = {"float32": _seconds(network, SIDES, None, device)}
    if (dtype := native_dtype(device)) is not None and network.multiplies:
        seconds[str(dtype).removeprefix("torch.")] = _seconds(network, SIDES, dtype, device)
    return Measured(
        receptive_field=exact_field_of(network) if network.multiplies else None,
        seconds=seconds,
        lossless=network.lossless_dtype is not None if weights_of(entry) else None,
        environment=asdict(describe_environment(device, "float32")),
    )


def _network(entry: ZooEntry, device: torch.device) -> Network:
    """With trained weights, if there are any for it."""
    from restorekit.networks.network import Network
    from restorekit.weights import load_model

    trained = weights_of(entry)
    return Network((load_model(trained[0]) if trained else entry.create()).to(device))


def _noisy(network: Network, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A square of noise, and its level."""
    import torch

    return torch.rand(1, network.probe_channels, side, side), torch.full((1, 1, 1, 1), 0.1)


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
    clock: Callable[[], float] = time.process_time if device.type == "cpu" else time.perf_counter
    noisy, level = _noisy(network, side)
    measured: list[float] = []
    for _ in range(1 + _RUNS):
        began = clock()
        network(noisy, level)  # the result is on the CPU, so a GPU has finished its work
        measured.append(clock() - began)
        if measured[0] > _LONG:
            break
    return float(f"{min(measured[1:] or measured) / (side * side / 1e6):.3g}")
