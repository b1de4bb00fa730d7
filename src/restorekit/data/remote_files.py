"""Files that a data set names by address: copied once to a folder, then read from there."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from restorekit.errors import ArgumentError, DataError, in_one_line
from restorekit.extras import needs
from restorekit.storage import locks
from restorekit.storage.atomic import atomic_path
from restorekit.storage.file_digests import sha256_of

# For each kind of address, the module that fsspec needs, and the extra that installs it.
_SCHEMES = {"http": ("aiohttp", "remote"), "https": ("aiohttp", "remote"), "s3": ("s3fs", "s3")}
_CHECKSUM = re.compile(r"#sha256=([0-9a-fA-F]{64})$")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST_FILES = 1_000_000
_SECONDS = 60.0  # without an answer or further bytes, after which the server counts as gone
_log = logging.getLogger(__name__)


def is_address(path: str) -> bool:
    """Whether a path is the address of a file, such as "https://example.org/a.tar"."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path) is not None


def local_copies(path: str | Sequence[str], cache: str | None) -> str | Sequence[str]:
    """Replace addresses by the paths of their copies; other paths stay as they are.

    A file is copied if it is not in the folder `cache` yet. It gets its name there when it is
    complete. Processes that use one folder copy a file only once.

    Args:
        path: a path or an address, or several of these. "{000..099}" in an address stands for all
            numbers of that range. "#sha256=..." after an address is the checksum of its file.
        cache: the folder of the copies.

    Raises:
        ArgumentError: there is an address, but no `cache`, or one of an unknown kind.
        MissingExtraError: the package for this kind of address is not installed.
        DataError: a file cannot be copied, or its copy has another size or checksum.
    """
    given = [path] if isinstance(path, str) else list(path)
    if not any(map(is_address, given)):
        return path
    found: list[str] = []
    for each in given:
        if is_address(each):
            found += [_copy(address, cache) for address in _numbered(each)]
        else:
            found.append(each)
    return found


def _numbered(address: str) -> list[str]:
    """The addresses for which one with ranges of numbers stands."""
    match = _RANGE.search(address)
    if match is None:
        return [address]
    first, last = match.groups()
    if not 0 <= int(last) - int(first) < _MOST_FILES:
        raise ArgumentError(f"'{address}': the range {match[0]} is empty or too long")
    return [
        later
        for number in range(int(first), int(last) + 1)
        for later in _numbered(
            f"{address[: match.start()]}{number:0{len(first)}}{address[match.end() :]}"
        )
    ]


def _copy(address: str, cache: str | None) -> str:
    """The path of the copy of a file."""
    scheme = address.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise ArgumentError(f"'{address}': an address begins with {', '.join(_SCHEMES)}")
    if "*" in address:
        raise ArgumentError(f"'{address}': for several files write a range, such as {{000..099}}")
    if cache is None:
        raise ArgumentError(f"'{address}' needs 'cache', the folder for copies of such files")
    checksum = match[1].lower() if (match := _CHECKSUM.search(address)) else None
    address = _CHECKSUM.sub("", address)
    target = _place(address, Path(cache).expanduser())
    try:
        if not target.exists():
            with _one_at_a_time(target.parent):
                if not target.exists():  # another process may have copied it in the meantime
                    _download(address, scheme, target, checksum)
    except OSError as error:
        raise DataError(f"'{address}' cannot be copied to '{cache}': {error.strerror}") from error
    return str(target)


def _place(address: str, cache: Path) -> Path:
    """Files of one folder keep their names, and so their order; each folder has its own."""
    parts = urlsplit(address)
    parent, _, name = parts.path.rpartition("/")
    place = f"{parts.scheme}://{parts.netloc}{parent}?{parts.query}"
    folder = hashlib.sha256(place.encode()).hexdigest()[:16]
    return cache / folder / (re.sub(r"[^\w.-]", "_", unquote(name))[-200:].lstrip(".") or "file")


def _download(address: str, scheme: str, target: Path, checksum: str | None) -> None:
    system = _file_system(scheme)
    with atomic_path(target) as temporary:
        try:
            size = system.info(address).get("size")
            _log.info("copying %s to %s", address, target.parent)
            system.get_file(address, str(temporary))
        except Exception as error:  # every kind of server has errors of its own
            raise DataError(f"'{address}' {_problem(error)}") from error
        copied = temporary.stat().st_size
        if size is not None and copied != size:
            raise DataError(f"'{address}' has {size:,} bytes, but {copied:,} arrived")
        if checksum is not None and (found := sha256_of(temporary)) != checksum:
            raise DataError(f"'{address}' has the SHA-256 {found}, not {checksum}")


def _problem(error: BaseException) -> str:
    # fsspec says that a file does not exist where the server cannot be reached; the cause is exact.
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return f"cannot be read: {in_one_line(error)}"


def _file_system(scheme: str) -> Any:
    module, extra = _SCHEMES[scheme]
    feature = f"reading {scheme}:// addresses"
    fsspec = needs("fsspec", extra, feature)
    needs(module, extra, feature)
    if scheme == "s3":
        return fsspec.filesystem("s3")
    from aiohttp import ClientTimeout

    # By default aiohttp ends every transfer after five minutes, and ignores proxies.
    timeout = ClientTimeout(total=None, sock_connect=_SECONDS, sock_read=_SECONDS)
    return fsspec.filesystem(scheme, client_kwargs={"timeout": timeout, "trust_env": True})


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process copies to the folder, and keep others waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        while locks.try_lock(descriptor) is False:
            time.sleep(0.1)
        yield
    finally:
        locks.close_lock(descriptor)
