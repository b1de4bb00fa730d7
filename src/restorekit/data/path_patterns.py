"""Patterns of paths with fields, which tell which files belong together."""

from __future__ import annotations

import re

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
