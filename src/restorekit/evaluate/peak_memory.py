"""How much memory a piece of work takes at most."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def watch_memory(device: torch.device) -> Callable[[], float | None]:
    """Begin to watch; the function that is returned tells the peak since then in megabytes.

    On a CUDA device that of torch's tensors; elsewhere that of the whole process, with Python and
    torch themselves, where the system can tell (Linux), and None where it cannot.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return lambda: torch.cuda.max_memory_allocated(device) / 1e6
    try:
        _CLEAR.write_text("5")  # the peak is counted from here on
    except OSError:
        return lambda: None
    return _peak_of_process


def _peak_of_process() -> float | None:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None
