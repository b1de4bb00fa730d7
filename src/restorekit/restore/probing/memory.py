"""How much memory there is, how much a network takes of it, and what running out looks like."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_PROBE = 64
_UNKNOWN = 4 << 30  # bytes, where the system does not tell
_MESSAGES = ("out of memory", "not enough memory", "can't allocate memory")


def available_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on a device: of a GPU, or of the system or container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    limits = [_system_memory(), *_container_memory()]
    return max(min(limits), 0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        message in str(error).lower() for message in _MESSAGES
    )


def activation_bytes(
    model: nn.Module, run: Callable[[Tensor, float], Tensor], channels: int
) -> float:
    """Bytes that the outputs of all of a network's layers take for a pixel, in float32.

    Never are all of them needed at once, so this is more than it takes.

    Args:
        model: the network, whose layers are watched.
        run: the same as a function of a batch (1, C, H, W) in [0, 1] and sigma.
        channels: how many it takes.
    """
    total = 0
    here = threading.get_ident()

    def count(_module: nn.Module, _given: Any, output: Any) -> None:
        nonlocal total
        if isinstance(output, Tensor) and threading.get_ident() == here:  # others may run it, too
            total += output.numel() * 4

    hooks = [
        module.register_forward_hook(count)
        for module in model.modules()
        if next(module.children(), None) is None
    ]
    try:
        run(torch.full((1, channels, _PROBE, _PROBE), 0.5), 0.1)
    except Exception:  # a network may raise anything at a size it does not know
        total = 0
    finally:
        for hook in hooks:
            hook.remove()
    return total / _PROBE**2 + 8 * 4 * channels  # beside them the tile, and what becomes of it


def _system_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _container_memory(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> list[int]:
    """What control groups, of version 1 and 2, leave to this process."""
    try:
        entries = [line.split(":", 2) for line in groups.read_text().splitlines()]
    except OSError:
        return []
    left = []
    for _, controllers, place in entries:
        if controllers not in ("", "memory"):
            continue
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
        # Within a container the group is mounted as the root.
        for folder in {root / controllers / place.strip("/"), root / controllers}:
            left += _group_memory(folder, *names)
    return left


def _group_memory(folder: Path, limit: str, used: str, cache: str) -> list[int]:
    try:
        most = int((folder / limit).read_text())  # "max" is no number, and no limit
        now = int((folder / used).read_text())
        statistics = (folder / "memory.stat").read_text().splitlines()
        # Files that were read once count as used, but are dropped when memory is wanted.
        dropped = sum(int(line.split()[1]) for line in statistics if line.split()[0] == cache)
    except (OSError, ValueError, IndexError):
        return []
    return [most - now + dropped]
