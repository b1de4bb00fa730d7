"""Listing a folder: its pictures, unsupported files, and folders that cannot be listed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from restorekit.errors import DataError
from restorekit.pictures.file_errors import suggest_path
from restorekit.pictures.file_formats import format_of_suffix

_KINDS_SHOWN = 8
_LONGEST_SUFFIX = 8


@dataclass
class FolderContents:
    """The contents of a folder and its subfolders.

    Attributes:
        images: picture files, sorted by path.
        others: number of unsupported files of each kind.
        unreadable: folders that cannot be listed, sorted by path.
    """

    images: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    unreadable: list[Path] = field(default_factory=list)


def walk_folder(folder: Path, without: Path | None = None) -> FolderContents:
    """List a folder and its subfolders.

    Pictures are recognised by their suffix, in upper or lower case. Hidden files and folders are
    skipped. Links to folders are counted but not followed.

    Args:
        folder: the folder.
        without: a subfolder to skip.

    Raises:
        DataError: the folder does not exist.
    """
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"folder '{folder}' {problem}.{suggest_path(folder, folders=True)}")
    found = FolderContents()
    skipped = None if without is None else os.path.realpath(without)
    errors: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=errors.append):
        paths = {name: Path(place, name) for name in folders if not name.startswith(".")}
        found.others["link to a folder"] += sum(path.is_symlink() for path in paths.values())
        # In place, which is how os.walk learns what to leave out. Without it, results of an earlier
        # run in a subfolder would be restored again.
        folders[:] = [name for name, path in paths.items() if os.path.realpath(path) != skipped]
        for name in files:
            path = Path(place, name)
            if name.startswith("."):
                continue
            if format_of_suffix(path.suffix) is not None:
                found.images.append(path)
            else:
                found.others[_kind(path)] += 1
    found.images.sort()
    # Unary plus removes the kinds that were counted zero times.
    found.others = +found.others
    found.unreadable = sorted(Path(error.filename) for error in errors)
    return found


def describe_unread(others: Counter[str]) -> str:
    """Counts of files by kind, the most frequent first: "3 HEIC, 1 GIF"."""
    kinds = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{count} {kind}" for kind, count in kinds[:_KINDS_SHOWN]]
    if rest := sum(count for _, count in kinds[_KINDS_SHOWN:]):
        shown.append(f"{rest} of other kinds")
    return ", ".join(shown)


def _kind(path: Path) -> str:
    suffix = path.suffix[1:]
    if not suffix:
        return "without a suffix"
    # What follows a dot in "photo.of my cat" is not a kind.
    return suffix.upper() if suffix.isalnum() and len(suffix) <= _LONGEST_SUFFIX else "of no kind"
