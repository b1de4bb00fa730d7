"""How much memory there is, and what may be built within it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from restorekit import memory
from restorekit.errors import InputError, InsufficientMemoryError

GIB = 2**30


def test_available_memory_is_some_of_what_there_is() -> None:
    """More than nothing, and no more than the machine has."""
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    assert 0 < memory.available_memory(torch.device("cpu")) <= total


@pytest.mark.parametrize("mounted_at_root", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_limits_of_a_container(tmp_path: Path, version: int, mounted_at_root: bool) -> None:
    """What is left of the limit, with the cache of files, which makes room when asked."""
    groups, root = tmp_path / "groups", tmp_path / "cgroup"
    folder = root / ("memory" if version == 1 else "")
    folder = folder if mounted_at_root else folder / "job"
    folder.mkdir(parents=True)
    if version == 1:
        groups.write_text("9:cpu:/job\n4:memory:/job\n")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    else:
        groups.write_text("0::/job\n")
        names = ("memory.max", "memory.current", "inactive_file")
    (folder / names[0]).write_text(f"{4 * GIB}\n")
    (folder / names[1]).write_text(f"{3 * GIB}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {GIB // 2}\n")
    assert memory._container_memory(groups, root) == [GIB + GIB // 2]


def test_without_a_limit_there_is_none(tmp_path: Path) -> None:
    """Without control groups, or with the limit "max", nothing is counted."""
    assert memory._container_memory(tmp_path / "none", tmp_path) == []
    (tmp_path / "groups").write_text("0::/\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._container_memory(tmp_path / "groups", tmp_path) == []


def test_a_number_of_bytes_in_words() -> None:
    """The unit is the largest that does not exceed the number."""
    assert memory.format_size(999) == "999 bytes"
    assert memory.format_size(108 * 10**9) == "108 GB"
    assert memory.format_size(1_500_000) == "1.5 MB"


@pytest.mark.parametrize(
    "message",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 604053892 bytes. Error code 12 (Cannot allocate memory)",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "GET was unable to find an engine to execute this computation",
        "FIND was unable to find an engine to execute this computation",
        "could not create a primitive",
    ],
)
def test_a_failed_allocation_is_recognised_by_its_message(message: str) -> None:
    """cuDNN, cuBLAS, oneDNN and torch's CPU allocator raise a plain RuntimeError."""
    assert memory.is_out_of_memory(RuntimeError(message))
    assert not memory.is_out_of_memory(ValueError(message))
    with (
        pytest.raises(InsufficientMemoryError, match=r"^not enough memory to test; eat less$"),
        memory.memory_errors(lambda: "to test; eat less"),
    ):
        raise RuntimeError(message)


def test_other_errors_are_not_a_lack_of_memory() -> None:
    """They pass unchanged, also errors that have a message of their own already."""
    others = (
        RuntimeError("could not create a primitive descriptor for a convolution"),
        RuntimeError("shape mismatch"),
        InputError("not enough memory for model 'x'"),
    )
    for error in others:
        with pytest.raises(type(error)) as caught, memory.memory_errors(lambda: "to test"):
            raise error
        assert caught.value is error
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(torch.OutOfMemoryError("x"))
