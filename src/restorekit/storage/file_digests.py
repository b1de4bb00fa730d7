"""SHA-256 of files."""

from __future__ import annotations

import hashlib
from os import PathLike


def sha256_of(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file in hexadecimal digits; the file is not read as a whole into memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
