"""Output files of commands, which replace a file only if that was asked for."""

from __future__ import annotations

from pathlib import Path

from restorekit.errors import ArgumentError


def check_may_write(path: Path, overwrite: bool, *, source: Path | None = None) -> None:
    """Check, before the work, that writing a file loses nothing.

    Args:
        path: the file to write.
        overwrite: whether an existing file may be replaced.
        source: the input, which the command itself refuses to replace.

    Raises:
        ArgumentError: the file exists, or is a folder.
    """
    if path.is_dir():
        raise ArgumentError(f"'{path}' is a folder; give the name of a file")
    is_input = source is not None and source.exists() and path.exists() and path.samefile(source)
    if path.exists() and not overwrite and not is_input:
        raise ArgumentError(f"'{path}' exists; choose another name, or --overwrite replaces it")
