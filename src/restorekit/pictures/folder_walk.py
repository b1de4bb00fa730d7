"""What a folder holds: the pictures, the files that are not read, the folders that cannot be."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from restorekit.errors import DataError
from restorekit.pictures.file_errors import suggest_path
from restorekit.pictures.file_formats import SUFFIXES

_KINDS_TOLD = 8
_LONGEST_SUFFIX = 8


@dataclass
class FolderContents:
    """What lies below a folder.

    Attributes:
        images: the picture files, sorted by path.
        others: how many files of which kind are not read.
        unreadable: the folders that cannot be listed, sorted by path.
    """

    images: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    unreadable: list[Path] = field(default_factory=list)


def walk_folder(folder: Path, without: Path | None = None) -> FolderContents:
    """Look through a folder and those below it.

    A picture is recognised by its suffix, in either case. Hidden files and folders are skipped.
    Links to folders are counted, and not followed.

    Args:
        folder: where to look.
        without: a folder below it that is skipped.

    Raises:
        DataError: there is no such folder.
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
        folders[:] = [name for name, path in paths.items() if os.path.realpath(path) != skipped]
        for name in files:
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                found.images.append(path)
            elif not name.startswith("."):
                found.others[_kind(path)] += 1
    found.images.sort()
    found.others = +found.others
    found.unreadable = sorted(Path(error.filename) for error in errors)
    return found


def describe_unread(others: Counter[str]) -> str:
    """Files by kind, the most frequent first: "3 HEIC, 1 GIF"."""
    kinds = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count} {kind}" for kind, count in kinds[:_KINDS_TOLD]]
    if rest := sum(count for _, count in kinds[_KINDS_TOLD:]):
        told.append(f"{rest} of other kinds")
    return ", ".join(told)


def _kind(path: Path) -> str:
    suffix = path.suffix[1:]
    if not suffix:
        return "without a suffix"
    return suffix.upper() if suffix.isalnum() and len(suffix) <= _LONGEST_SUFFIX else "of no kind"
