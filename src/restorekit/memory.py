"""Available memory, and errors of failed allocations."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.errors import InsufficientMemoryError, RestoreKitError

if TYPE_CHECKING:
    import torch

_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_UNKNOWN = 4 << 30  # bytes, assumed where the system does not report it
# The libraries below torch have no exception class for it. oneDNN fails to create a primitive; if
# it cannot create a primitive descriptor, the operation is unsupported instead.
_FAILED = re.compile(
    r"out of memory|not enough memory|can't allocate memory|cannot allocate memory|std::bad_alloc|"
    r"(CUDNN|CUBLAS|CUSOLVER|CUSPARSE)_STATUS_ALLOC_FAILED|CUFFT_ALLOC_FAILED|"
    r"unable to find an engine|could not create a (memory|primitive)\b(?! descriptor)",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed, on the CPU or a GPU."""
    torch = sys.modules.get("torch")  # its errors cannot occur before it is imported
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and _FAILED.search(str(error)) is not None


@contextmanager
def memory_errors(describe: Callable[[], str]) -> Iterator[None]:
    """Turn a failed allocation in the block into an error with a message of one line.

    Args:
        describe: returns the end of the message "not enough memory ...", which states what needs
            the memory and what needs less; for example "to load a model; use a smaller one".

    Raises:
        InsufficientMemoryError: an allocation failed.
    """
    try:
        yield
    except RestoreKitError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise InsufficientMemoryError(f"not enough memory {describe()}") from error


def available_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on a GPU, or on the CPU.

    On the CPU, this is the smallest of what the system, the container and the process limit allow.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    limits = [_system_memory(), *_container_memory(), *_process_memory()]
    # A process may already use more than its limit, which was lowered later.
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
        # Without the number of free bytes, half of all is a cautious guess.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _container_memory(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> list[int]:
    """Bytes that control groups, of version 1 or 2, still allow this process."""
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
        # Inside a container the group itself is mounted as the root.
        for folder in {root / controllers / place.strip("/"), root / controllers}:
            left += _group_memory(folder, *names)
    return left


def _group_memory(folder: Path, limit: str, used: str, cache: str) -> list[int]:
    try:
        most = int((folder / limit).read_text())  # "max", which means no limit, raises ValueError
        now = int((folder / used).read_text())
        statistics = (folder / "memory.stat").read_text().splitlines()
        # The page cache counts as used, but the kernel frees it on demand.
        dropped = sum(int(line.split()[1]) for line in statistics if line.split()[0] == cache)
    except (OSError, ValueError, IndexError):
        return []
    return [most - now + dropped]


def _process_memory() -> list[int]:
    """Bytes that `ulimit -v` still allows this process."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return [] if most == resource.RLIM_INFINITY else [most - pages * resource.getpagesize()]
    except (ImportError, OSError, ValueError):
        return []
