"""One training at a time in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from restorekit.errors import ArgumentError, warn
from restorekit.storage import locks

NAME = ".training.lock"


class FolderInUseError(ArgumentError):
    """Another training uses a folder."""


def is_in_use(folder: Path) -> bool:
    """Whether another process trains in the folder; False on a file system without locks."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    locked = locks.try_lock(descriptor)
    locks.close_lock(descriptor)
    return locked is False


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock the folder within the block against other trainings, also on other machines.

    A missing folder is made. It is removed if the block leaves it empty.

    The lock ends with the process, even if that is killed. On a file system without locks there is
    a warning.

    Raises:
        FolderInUseError: another training uses the folder.
        OSError: the folder cannot be written to.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = _take(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # before the lock is released, so that no other process has locked it
        locks.close_lock(descriptor)
        if is_new:
            with suppress(OSError):  # not empty
                folder.rmdir()


def _take(path: Path) -> int:
    # Repeated only if the file was replaced in the meantime.
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        locked = locks.try_lock(descriptor)
        if locked is False:
            holder = os.read(descriptor, 200).decode("utf-8", "replace")
            os.close(descriptor)
            raise FolderInUseError(
                f"{path.parent}: another training uses this folder{holder}; "
                "wait for its end, or choose another save_weight_path"
            )
        if locked is None:
            warn(f"{path.parent} has no file locks: do not start a second training in it")
        # The former holder may have removed the file between our opening and locking of it.
        if _is_still_there(path, descriptor):
            with suppress(OSError):  # the content is only a hint to find the other training
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f" (process {os.getpid()} on {socket.gethostname()})".encode())
            return descriptor
        locks.close_lock(descriptor)


def _is_still_there(path: Path, descriptor: int) -> bool:
    """Whether the open file has its name still, which a training that ended takes away."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
