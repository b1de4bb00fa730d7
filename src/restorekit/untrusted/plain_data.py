"""Plain data: strict JSON, limits on values, sizes and nesting, conversion to what JSON has."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from restorekit.untrusted.text import quoted

DEEPEST = 50  # levels of nested objects and lists
MOST_VALUES = 20_000
_LARGEST = 2**63
# About what Python's parser takes by default. Libraries raise its limit for the whole process.
_DEEPEST_PARSED = 900
# A text, or a bracket outside of texts.
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{\]}]')


def parse_json(text: str, *, finite: bool = True) -> Any:
    """Parse JSON strictly.

    Python's own parser also accepts duplicate keys, NaN, infinity and integers of any size.

    Args:
        text: the JSON.
        finite: whether NaN and infinity, which Python also writes, are rejected.

    Raises:
        json.JSONDecodeError: the text is not JSON.
        ValueError: a key is duplicated, a number is NaN, infinite or does not fit 64 bits, or the
            nesting is too deep. The message is one line.
    """
    if _is_nested(text, _DEEPEST_PARSED):
        raise ValueError(f"nested more than {DEEPEST} deep")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant if finite else None,
            parse_int=_integer,
            parse_float=_finite if finite else None,
        )
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} deep") from None


def find_unusable(data: object, most: int | None = None) -> str | None:
    """The first problem in plain data: too deep, too many values, or a value that cannot be stored.

    A container that contains itself counts as too deep. Objects other than numbers, strings,
    mappings and lists are not inspected.

    Args:
        data: read from JSON or given from Python.
        most: the largest number of values; None for any number.

    Returns:
        The path and the problem, for example "noise.noises.0: nested more than 50 deep", or None.
    """
    # A stack instead of recursion: hostile data can be nested deeper than Python can recurse.
    pending: list[tuple[tuple[object, ...], object]] = [((), data)]
    seen = 0
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            inside = [((*path, key), item) for key, item in value.items()]
            inside += [((*path, "a key"), key) for key in value]
        elif isinstance(value, (list, tuple)):
            inside = [((*path, number), item) for number, item in enumerate(value)]
        else:
            inside = []
        seen += len(inside)
        problem = _problem(value)
        # The whole path of a deep value would fill the message.
        if len(path) > DEEPEST and inside:
            problem, path = f"nested more than {DEEPEST} deep", path[:3]
        elif most is not None and seen > most:
            return f"it holds more than {most:,} values"
        if problem is not None:
            where = ".".join(str(part) for part in path)
            return f"{where}: {problem}" if path else problem
        pending += inside
    return None


def _is_nested(text: str, most: int) -> bool:
    """Whether JSON is nested deeper than a number of levels."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth = 0
    for found in _TEXT_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > most:
            return True
    return False


def _problem(value: object) -> str | None:
    """The problem of a single number or string, or None."""
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return f"{quoted(value)} does not fit 64 bits"
    # Most texts are ASCII, and this check is fast.
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return None
    if "\0" in value:
        return f"{quoted(value)} holds a NUL character"
    try:
        os.fsencode(value)  # accepts file names that are not valid text
    except UnicodeEncodeError:
        return f"{quoted(value)} holds half of a surrogate pair"
    return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {quoted(key)} is duplicated in an object")
    return found


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not a JSON number")


def _integer(text: str) -> int:
    # For thousands of digits, Python raises an error of its own or takes long.
    if len(text) > 20 or not -_LARGEST <= (number := int(text)) < _LARGEST:
        raise ValueError(f"a number of {len(text)} digits, {text[:12]}.., does not fit 64 bits")
    return number


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {quoted(text)} is too large")
    return number


def to_json_value(value: Any) -> Any:
    """Convert a value to what JSON has: infinity and foreign objects become text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json_value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)
