"""What must hold after every case: memory, noise on stderr, leftovers, the process's own state."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fuzz.cases import Broken

MEMORY = 2 * 1024  # mebibytes
_STATUS = Path("/proc/self/status")
_UNWATCHED = {"COLUMNS", "LINES", "PYTEST_CURRENT_TEST"}


def process_state() -> dict[str, Any]:
    """What belongs to the whole process, and which nothing may change for good."""
    import torch
    from PIL import Image, ImageFile

    root = logging.getLogger()
    return {
        "working directory": os.getcwd(),
        "umask": _status("Umask"),
        "environment": {k: v for k, v in os.environ.items() if k not in _UNWATCHED},
        "sys.path": list(sys.path),
        "recursion limit": sys.getrecursionlimit(),
        "warning filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "excepthook": sys.excepthook,
        "standard streams": (sys.stdin, sys.stdout, sys.stderr),
        "signal handlers": [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)],
        "root logger": (root.level, list(root.handlers), logging.root.manager.disable),
        "default dtype": torch.get_default_dtype(),
        "grad mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch threads": torch.get_num_threads(),
        "Pillow's pixel limit": Image.MAX_IMAGE_PIXELS,
        "Pillow's truncated files": ImageFile.LOAD_TRUNCATED_IMAGES,
    }


def is_state(expected: dict[str, Any]) -> bool:
    """Whether the process's own state is what it was."""
    try:
        return process_state() == expected
    except OSError:  # its working directory is gone
        return False


@contextmanager
def state_unchanged() -> Iterator[None]:
    """Fail where the block changes the process's own state or leaves a file open."""
    before, files = process_state(), _open_files()
    yield
    after = process_state()
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        changes = "; ".join(_difference(name, before[name], after[name]) for name in changed)
        raise Broken(f"the process's state changed: {changes}")
    if len(_open_files()) > len(files):
        gc.collect()  # an exception's traceback may hold a file for a moment
        if leaked := [f for f in _open_files() if f not in files]:
            raise Broken(f"left open: {', '.join(leaked)}")


@contextmanager
def descriptors_silent() -> Iterator[None]:
    """Fail where the block writes to the process's stdout or stderr past Python's streams."""
    with tempfile.TemporaryFile() as sink:
        kept = os.dup(1), os.dup(2)
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            for name in ("stdout", "stderr"):
                getattr(sys, name).flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            for descriptor in kept:
                os.close(descriptor)
        sink.seek(0)
        if said := sink.read(2000):
            raise Broken(f"noise on stdout or stderr: {said.decode(errors='replace')!r}")


@contextmanager
def memory_bounded(peak: list[int], most: int) -> Iterator[None]:
    """Fail where the process needs more than so many mebibytes; `peak` gets how many it does."""
    _reset_peak()
    try:
        yield
    finally:
        peak.append(_peak())
    if peak[-1] > most:
        raise Broken(f"{peak[-1]} MiB of memory at the peak")


def no_leftovers(folder: Path) -> None:
    """Fail where a temporary file, hidden or of the system's folder, was left."""
    left = [
        path for path in folder.rglob("*") if path.name.startswith(".") or "unfinished" in path.name
    ]
    if left:
        raise Broken(f"left behind: {', '.join(sorted(p.name for p in left))}")


def _difference(name: str, one: Any, other: Any) -> str:
    if isinstance(one, dict):
        keys = sorted(key for key in {**one, **other} if one.get(key) != other.get(key))
        one, other = ({key: each.get(key) for key in keys} for each in (one, other))
    return f"{name}: {one!r:.300} became {other!r:.300}"


def _open_files() -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir() if _STATUS.exists() else ():
        try:
            found.append(os.readlink(link))
        except OSError:  # the one that lists the folder
            continue
    # Libraries keep fonts and the like open; what a case reads and writes lies elsewhere.
    return [name for name in found if name.startswith(tempfile.gettempdir())]


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is then that of the worker's life
        time.sleep(0)


def _peak() -> int:
    if not _STATUS.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(_status("VmHWM").split()[0]) // 1024


def _status(name: str) -> str:
    """A line of what Linux says of this process; "" elsewhere."""
    if not _STATUS.exists():
        return ""
    lines = _STATUS.read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")
