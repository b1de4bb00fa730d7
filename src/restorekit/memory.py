"""How much memory there is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_UNKNOWN = 4 << 30  # bytes, where the system does not tell


def available_memory(device: torch.device) -> int:
    """Bytes that can still be allocated: of a GPU, or of the system, container and process."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    limits = [_system_memory(), *_container_memory(), *_process_memory()]
    return max(min(limits), 0)


def format_size(size: int) -> str:
    """A number of bytes as "1.5 GB"."""
    unit, name = next((each for each in _UNITS if size >= each[0]), (1, "bytes"))
    return f"{size / unit:,.4g} {name}"


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


def _process_memory() -> list[int]:
    """What `ulimit -v` leaves to this process."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return [] if most == resource.RLIM_INFINITY else [most - pages * resource.getpagesize()]
    except (ImportError, OSError, ValueError):
        return []
