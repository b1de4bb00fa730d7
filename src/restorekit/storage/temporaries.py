"""Temporary files next to their targets, and the removal of stale ones."""

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

_LONGEST_STEM, _LONGEST_SUFFIX = 80, 32  # bytes; a name may have 255, on some file systems 143
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_unfinished: set[Path] = set()  # of this process
_swept: set[Path] = set()


class Temporary:
    """An empty file that its owner can read and write, locked while it is open.

    The first one in each folder of a process also removes the stale ones there.

    Args:
        path: the final file. The temporary one has the same suffix and folder.
        mode: the permissions of the final file; None for those of a new file.

    Attributes:
        path: the temporary file.
        mode: the permissions of the final file, to be set at the end.

    Raises:
        OSError: the folder is not writable.
    """

    def __init__(self, path: Path, mode: int | None) -> None:
        sweep(path.parent, again=False)
        self.path = path.with_name(_name_for(path))
        # Before the file exists, so that a signal in between leaves no file behind.
        _unfinished.add(self.path)
        try:
            # The system applies the umask; reading it would change it for other threads.
            created = 0o600 if mode is not None else 0o666
            self._descriptor = os.open(self.path, _OPEN | os.O_CREAT | os.O_EXCL, created)
        except OSError:
            _unfinished.discard(self.path)
            raise
        locks.try_lock(self._descriptor)
        default = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        self.mode = default if mode is None else mode
        if default & 0o600 != 0o600:  # the umask removes even the rights of the owner
            with suppress(OSError):
                self.path.chmod(default | 0o600)

    def close(self) -> None:
        """Remove the file unless it has been renamed, and release its lock."""
        _remove(self.path)
        locks.close_lock(self._descriptor)


def sweep(folder: Path, again: bool = True) -> None:
    """Remove temporary files of ended processes from a folder.

    Only files are removed whose name has the form used here, that were created on this machine by a
    process that has ended, and that are not locked.

    Args:
        folder: the folder; ignored if it cannot be read.
        again: whether to search a folder that this process has searched before.
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
    """Remove every temporary file of this process, before it ends."""
    for path in list(_unfinished):
        _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a later run removes the file
        path.unlink(missing_ok=True)
    _unfinished.discard(path)


def _remove_stale(path: str, process: int) -> None:
    # Not through a link, which could lead to any file.
    descriptor = os.open(path, _OPEN | _NO_LINK)
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        # Both: file systems without locks return None, and process numbers are used again.
        if is_file and locks.try_lock(descriptor) and not _is_running(process):
            os.unlink(path)
    finally:
        locks.close_lock(descriptor)


def _is_running(process: int) -> bool:
    """Whether another process has this number."""
    if process == os.getpid():  # in a container each run may have the same number
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # The process belongs to another user; if in doubt, the file stays.
    except (OSError, OverflowError):
        return True
    return True


def _name_for(path: Path) -> str:
    # Cut by bytes, which the limit counts; half a character at the cut is dropped.
    stem = path.stem.encode("utf-8", "ignore")[:_LONGEST_STEM].decode("utf-8", "ignore")
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
    # Hidden, so that a folder that is being read does not list it as a picture.
    return f".{stem}-unfinished-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


_HOST = hashlib.blake2b(socket.gethostname().encode("utf-8", "replace"), digest_size=4).hexdigest()
_NAME = re.compile(
    rf"\..*-unfinished-{_HOST}-(?P<process>\d{{1,10}})-[0-9a-f]{{8}}(\.[^.]*)?", re.DOTALL
)


def _forget() -> None:
    # The files belong to the parent process; the child must not remove them.
    _unfinished.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
