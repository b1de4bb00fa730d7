"""Atomic writes: a file appears complete or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restorekit.storage.temporaries import Temporary

# Errors of file systems without permissions, or whose folders cannot be opened or flushed.
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
    """Yield a temporary path in the same folder, and rename it to `path` when the block succeeds.

    The file is flushed to disk before the rename and the folder after it, so a crash leaves either
    the old file or the new one. After an exception the old file remains. The temporary path has the
    same suffix, because writers choose the format by it. A replaced file keeps its permissions.

    Args:
        path: the file to write. Missing folders are created.
        like: the file that it is derived from. A new file is not readable by anyone who cannot read
            this one.

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
            # Otherwise the result of a private picture would be public; its owner can always
            # replace it.
            temporary.mode &= like.stat().st_mode | stat.S_IWUSR
        yield temporary.path
        # In this order: contents, permissions, name, then the entry in the folder.
        _flush_if_supported(temporary.path)
        _set_mode(temporary.path, temporary.mode)
        os.replace(temporary.path, path)
        _flush_if_supported(path.parent)
    except OSError as error:
        # The caller does not know the temporary name, and a failed write has no name at all.
        if temporary is None or error.filename in (None, str(temporary.path)):
            raise _about(path, error) from error
        raise
    finally:
        if temporary is not None:
            temporary.close()


def append_bytes(path: Path, data: bytes) -> None:
    """Append all of the data to a file, or nothing.

    Raises:
        OSError: the file cannot be written; its `filename` is `path`.
    """
    # Unbuffered, so that an error appears here and not when the file is closed.
    with path.open("ab", buffering=0) as file:
        end = os.fstat(file.fileno()).st_size
        try:
            while data:  # a disk that is almost full may write a part only
                data = data[file.write(data) :]
        except OSError as error:
            file.truncate(end)
            raise _about(path, error) from error


def check_target(path: Path) -> int | None:
    """Check beforehand that a file can be written or replaced at a path.

    Returns:
        The permissions of the existing file, or None if there is none.

    Raises:
        OSError: the path is a folder, a device or a pipe, or cannot be resolved.
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
    """Flush a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _about(path: Path, error: OSError) -> OSError:
    """The same error with the requested file name; encoders raise errors without errno or name."""
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
    """Ignore errors of operations that the file system does not support; the data is written."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
