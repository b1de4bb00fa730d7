"""Removing paths of this machine from a card before it is published."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What is below these keys is paths, also with spaces; "dataset" has arguments of any name.
PATH_KEYS = frozenset(
    {"dataset", "dir", "file", "files", "folder", "path", "paths", "root", "weights"}
)
_ABSOLUTE = re.compile(r"file://|~/|[A-Za-z]:[\\/]|\\\\|/+[^/]+/+[^/]")
# In text a path ends at a space. "/255", "and/or" and addresses of the web are left as they are.
_WORD = re.compile(
    r"(?P<web>https?://\S+)|"
    r"(?<![\w./\\~-])(?:file://|~/|[A-Za-z]:[\\/]|\\\\(?=\w)|/(?=[^\s/]+/+[^\s/]))"
    r"""[^\s"'<>|,;)\]}]*"""
)


def without_local_paths(value: object, *, is_path: bool = False) -> object:
    """A value of JSON in which paths of this machine are replaced by their last part.

    Paths are absolute ones of POSIX with at least two parts, and what begins with "~/", a drive
    letter, two backslashes or "file://". Below the keys in `PATH_KEYS` a value that begins so is
    replaced as a whole. In any other text, and in keys, each word that begins so is replaced.

    Args:
        value: the value.
        is_path: whether it is below a key in `PATH_KEYS`.
    """
    if isinstance(value, Mapping):
        changed: dict[object, object] = {}
        for key, item in value.items():
            inside = without_local_paths(item, is_path=is_path or key in PATH_KEYS)
            changed[_free(without_local_paths(key), changed)] = inside
        return changed
    if isinstance(value, (list, tuple)):
        return [without_local_paths(item, is_path=is_path) for item in value]
    if not isinstance(value, str):
        return value
    if is_path and _ABSOLUTE.match(value):
        return _last_part(value)
    return _WORD.sub(lambda found: found["web"] or _last_part(found[0]), value)


def _free(key: object, taken: Mapping[object, object]) -> object:
    """A key that is not taken: two paths can have the same last part."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key} ({number})"
    return free


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
