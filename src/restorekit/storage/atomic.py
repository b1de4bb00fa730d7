"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restorekit.storage.temporaries import Temporary

# How disks answer that have no permissions, or whose folders cannot be opened or flushed.
_UNSUPPORTED = {
    errno.EPERM,
    errno.EACCES,
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EBADF,
}


@contextmanager
def atomic_path(path: str | Path, like: Path | None = None) -> Iterator[Path]:
    """A temporary path in the same folder that takes the place of `path` when the block ends well.

    The file is flushed to the disk before it is renamed and the folder after it, so that a crash
    leaves the old file or the new one. An exception leaves the old one. The suffix is kept, for
    writers that choose a format by it. A file that is replaced keeps its permissions.

    Args:
        path: the file to write. Missing folders are made.
        like: a file that it is made of: a new one can be read by nobody who cannot read that.

    Raises:
        OSError: the file cannot be written; its `filename` is `path`.
    """
    path = Path(path)
    temporary = None
    try:
        mode = check_target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Temporary(path, mode)
        if mode is None and like is not None:
            temporary.mode &= like.stat().st_mode | stat.S_IWUSR
        yield temporary.path
        _flush_if_supported(temporary.path)
        _set_mode(temporary.path, temporary.mode)
        os.replace(temporary.path, path)
        _flush_if_supported(path.parent)
    except OSError as error:
        # Nobody knows the temporary name, and a failed write has none.
        if temporary is None or error.filename in (None, str(temporary.path)):
            raise _about(path, error) from error
        raise
    finally:
        if temporary is not None:
            temporary.close()


def append_bytes(path: Path, data: bytes) -> None:
    """Add all of the data to the end of a file, or nothing.

    Raises:
        OSError: it cannot be written; its `filename` is `path`.
    """
    with path.open("ab", buffering=0) as file:
        end = os.fstat(file.fileno()).st_size
        try:
            while data:  # a disk that is almost full takes a part
                data = data[file.write(data) :]
        except OSError as error:
            file.truncate(end)
            raise _about(path, error) from error


def check_target(path: Path) -> int | None:
    """Whether a file can be written or replaced there, as far as can be seen beforehand.

    Returns:
        The permissions of the file that is there; None where there is none.

    Raises:
        OSError: a folder, a device or a pipe has the name, or the path leads nowhere.
    """
    try:
        found = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(found):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", str(path))
    return stat.S_IMODE(found)


def flush(path: Path) -> None:
    """Have the disk hold what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _about(path: Path, error: OSError) -> OSError:
    """The same error of the file that was asked for; encoders raise it with a text alone."""
    return OSError(error.errno or errno.EIO, error.strerror or str(error), str(path))


def _flush_if_supported(path: Path) -> None:
    with _unless_unsupported():
        flush(path)


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with _unless_unsupported():
            path.chmod(mode)


@contextmanager
def _unless_unsupported() -> Iterator[None]:
    """Skip what the disk does not support; the content is written all the same."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
