"""Patterns of paths: which files are meant, and which of them belong together."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from restorekit.errors import DataError


class PathPattern:
    """A path with fields: `{name}` has the same text everywhere, `*` is any text without "/"."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = re.split(r"(\{\w+\}|\*)", text)
        self.literals = sum(len(part) for part in parts[::2])  # characters outside of the fields
        self.fields: set[str] = set()
        self._regex = re.compile("".join(self._piece(part) for part in parts))

    def _piece(self, part: str) -> str:
        if part == "*":
            return "[^/]*"
        if not re.fullmatch(r"\{\w+\}", part):
            return re.escape(part)
        name = part[1:-1]
        if not name.isidentifier():
            raise DataError(f"pattern '{self.text}': '{name}' is not a valid name of a field")
        repeated = name in self.fields
        self.fields.add(name)
        return f"(?P={name})" if repeated else f"(?P<{name}>[^/]+)"

    def match(self, relative: str) -> re.Match[str] | None:
        """The values of the fields in a path, None if the path does not match."""
        return self._regex.fullmatch(relative)


def find_files(
    path: str | Sequence[str],
    below: Callable[[Path], Iterable[Path]],
    is_wanted: Callable[[Path], bool],
    noun: str,
) -> list[Path]:
    """The files of a folder, a file, a pattern or several of these, sorted; each only once.

    Args:
        path: what was given. What exists under the name of a pattern is taken as it is.
        below: the files that are wanted below a folder.
        is_wanted: whether a file that a pattern matches is wanted.
        noun: what messages call a file that is wanted, with its kinds.

    Raises:
        DataError: one of them has no such file.
    """
    given = [path] if isinstance(path, str) else list(path)
    if not given:
        raise DataError("'path' is an empty list; name a folder, a file or a pattern")
    found: dict[Path, None] = {}
    for each in given:
        place = Path(each).expanduser()
        is_pattern = not place.exists() and glob.has_magic(each)
        matches = glob.glob(str(place), recursive=True) if is_pattern else [place]
        files = [file for match in map(Path, matches) for file in _files(match, below)]
        wanted = [file for file in files if not is_pattern or is_wanted(file)]
        if not wanted:
            what = "matches pattern" if is_pattern else "in folder"
            name, _, kinds = noun.partition(" ")
            raise DataError(f"no {name} {what} '{each}' {kinds}")
        found |= dict.fromkeys(wanted)
    return sorted(found)


def _files(path: Path, below: Callable[[Path], Iterable[Path]]) -> Iterable[Path]:
    return [path] if path.is_file() else below(path)
