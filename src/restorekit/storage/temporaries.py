"""Temporary files beside the files they are to become, and the removal of those left behind."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
from contextlib import suppress
from pathlib import Path

from restorekit.storage import locks

_LONGEST_STEM, _LONGEST_SUFFIX = 80, 32  # bytes; names may have 255, on some disks 143
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_unfinished: set[Path] = set()  # of this process
_swept: set[Path] = set()


class Temporary:
    """An empty file, readable and writable by its owner, locked as long as it is open.

    The first one that a process makes in a folder has the stale ones there removed.

    Args:
        path: the file it is to become. It has the same suffix and lies in the same folder.
        mode: the permissions `path` shall have; None for those of a new file.

    Attributes:
        path: where it is.
        mode: the permissions of `path`, to be set at the end.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, path: Path, mode: int | None) -> None:
        sweep(path.parent, again=False)
        self.path = path.with_name(_name_for(path))
        _unfinished.add(self.path)  # before it exists, so that a signal misses none
        try:
            # The umask applies by itself; asking for it would change it for other threads.
            created = 0o600 if mode is not None else 0o666
            self._descriptor = os.open(self.path, _OPEN | os.O_CREAT | os.O_EXCL, created)
        except OSError:
            _unfinished.discard(self.path)
            raise
        locks.try_lock(self._descriptor)
        default = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        self.mode = default if mode is None else mode
        if default & 0o600 != 0o600:  # a umask that takes even the owner's rights
            with suppress(OSError):
                self.path.chmod(default | 0o600)

    def close(self) -> None:
        """Remove the file, if it still has its temporary name, and release its lock."""
        _remove(self.path)
        locks.close_lock(self._descriptor)


def sweep(folder: Path, again: bool = True) -> None:
    """Remove the temporary files in a folder whose processes have ended.

    Only files with a name of this library's are considered, made on this machine by a process that
    is no more, and locked by nobody.

    Args:
        folder: the folder; nothing happens where it cannot be read.
        again: whether a folder that this process has looked through is looked through again.
    """
    if not again and folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if (named := _NAME.fullmatch(entry.name)) and Path(entry.path) not in _unfinished:
                with suppress(OSError):
                    _remove_stale(entry.path, int(named["process"]))


def remove_unfinished() -> None:
    """Remove every temporary file of this process; for a process that is about to end."""
    for path in list(_unfinished):
        _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a later run removes what cannot be removed now
        path.unlink(missing_ok=True)
    _unfinished.discard(path)


def _remove_stale(path: str, process: int) -> None:
    descriptor = os.open(path, _OPEN | _NO_LINK)
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if is_file and locks.try_lock(descriptor) and not _is_running(process):
            os.unlink(path)
    finally:
        locks.close_lock(descriptor)


def _is_running(process: int) -> bool:
    """Whether another process has this number."""
    if process == os.getpid():  # in a container each run may have the same
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _name_for(path: Path) -> str:
    stem = path.stem.encode("utf-8", "ignore")[:_LONGEST_STEM].decode("utf-8", "ignore")
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
    return f".{stem}-unfinished-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


_HOST = hashlib.blake2b(socket.gethostname().encode("utf-8", "replace"), digest_size=4).hexdigest()
_NAME = re.compile(
    rf"\..*-unfinished-{_HOST}-(?P<process>\d{{1,10}})-[0-9a-f]{{8}}(\.[^.]*)?", re.DOTALL
)


def _forget() -> None:
    # What a process was writing when it forked is not its child's to remove.
    _unfinished.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
