"""Locks on open files. The system releases them when the process ends for any reason."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if sys.platform != "win32":
    import fcntl

_held: set[int] = set()


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file for this process, without waiting.

    Returns:
        Whether this process holds the lock; None if the file system does not support locks.
    """
    if sys.platform == "win32":
        return None
    try:
        # flock instead of lockf: locks of lockf end when any descriptor of the file is closed.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    _held.add(descriptor)
    return True


def close_lock(descriptor: int) -> None:
    """Close a file, which releases its lock."""
    _held.discard(descriptor)
    os.close(descriptor)


def _close_inherited() -> None:
    # A lock lasts until every copy of its descriptor is closed. A forked data worker has a copy and
    # would hold the lock of a training process that was killed.
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
