"""Measure the peak memory of a computation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def watch_memory(device: torch.device) -> Callable[[], float | None]:
    """Start to measure; the returned function gives the peak since then, in megabytes.

    On a CUDA device it is the memory of tensors. Otherwise it is the memory of the whole process,
    including Python and torch, on Linux, and None on other systems.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return lambda: torch.cuda.max_memory_allocated(device) / 1e6
    try:
        _CLEAR.write_text("5")  # resets the peak (man 5 proc_pid_clear_refs)
    except OSError:
        return lambda: None
    return _peak_of_process


def _peak_of_process() -> float | None:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None
