"""What a file really is that should hold tensors: a web page, a pointer, a part of a file."""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path

_AGAIN = "get the file again"
# First bytes, and what such a file is.
_MARKS = (
    (b"version https://git-lfs", "a Git LFS pointer; 'git lfs pull' gets the file itself"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_HTML = (b"<!doctype", b"<html", b"<head", b"<?xml")
_TAR = (257, b"ustar")
_HEAD = 1024  # bytes that are looked at
_SHOWN = 30  # characters of a text file in a message


def describe_content(path: Path) -> str | None:
    """Words for a file that holds no tensors, or not all of them; None if nothing is known.

    Nothing in the file is executed.

    Args:
        path: an existing file or folder.
    """
    if path.is_dir():
        return "a folder"
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, words in _MARKS:
        if head.startswith(mark):
            return words
    if head.lstrip().lower().startswith(_HTML):
        return "a web page saved under this name; download the file itself"
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive; unpack it first"
    if not head.strip(b"\0"):
        return f"a file of zeros; {_AGAIN}" if head else f"an empty file; {_AGAIN}"
    if head.startswith(b"PK"):
        return _fault_of_archive(path)
    return _fault_of_pickle(path) if head.startswith(b"\x80") else _text(head)


def _fault_of_archive(path: Path) -> str | None:
    """What is wrong with a zip archive, in which torch.save stores tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # The list of the parts is the end of the file.
        return f"a truncated or damaged zip archive, of {_size(path)}; {_AGAIN}"
    if not any(name.endswith("/data.pkl") for name in names):
        return "a zip archive that torch.save did not write"
    return None


def _fault_of_pickle(path: Path) -> str | None:
    """What is wrong with a pickle, if its instructions do not come to an end."""
    try:
        with path.open("rb") as file:
            for _ in pickletools.genops(file):
                pass
    except Exception:  # of damaged content, of many types
        return f"a truncated or damaged pickle, of {_size(path)}; {_AGAIN}"
    return None


def _text(head: bytes) -> str | None:
    try:
        text = io.TextIOWrapper(io.BytesIO(head), "utf-8").read(_HEAD // 4)
    except UnicodeDecodeError:
        return None
    line = text.strip().partition("\n")[0]
    return f"a text that begins with '{line[:_SHOWN]}'" if line.isprintable() else None


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size:,} byte{'' if size == 1 else 's'}"
