"""Plain data from outside: JSON read strictly, and what no configuration or card could use."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

from restorekit.untrusted.text import quoted

DEEPEST = 50  # levels of objects and lists in each other
MOST_VALUES = 20_000
_LARGEST = 2**63


def parse_json(text: str, *, finite: bool = True) -> Any:
    """JSON as the standard has it, where Python's own reader takes more than that.

    Args:
        text: the JSON.
        finite: refuse NaN and infinity, which Python also writes.

    Raises:
        json.JSONDecodeError: it is no JSON.
        ValueError: a key stands twice in an object, a number is NaN, infinite or does not fit 64
            bits, or the whole is nested too deep to be read; in one line.
    """
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


def find_unusable(data: Any, most: int | None = None) -> str | None:
    """What makes data from outside useless or dangerous to work with, after the path of it.

    Data that hold themselves count as endlessly deep. Objects other than numbers, texts, mappings
    and lists are not looked into.

    Args:
        data: what was read from JSON or given from Python.
        most: values that there may be; any number if None.

    Returns:
        A line such as "noise.noises.0: nested more than 50 deep", or None.
    """
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), data)]
    seen = 0
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            inside = [((*path, key), item) for key, item in value.items()]
            inside += [((*path, "a key"), key) for key in value]
        elif isinstance(value, (list, tuple)):
            inside = [((*path, number), item) for number, item in enumerate(value)]
        else:
            inside = []
        seen += len(inside)
        fault = _fault(value)
        if len(path) > DEEPEST and inside:
            fault, path = f"nested more than {DEEPEST} deep", path[:3]
        elif most is not None and seen > most:
            return f"it holds more than {most:,} values"
        if fault is not None:
            where = ".".join(str(part) for part in path)
            return f"{where}: {fault}" if path else fault
        waiting += inside
    return None


def _fault(value: Any) -> str | None:
    """What is wrong with a single number or text."""
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return f"{quoted(value)} does not fit 64 bits"
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return None
    if "\0" in value:
        return f"{quoted(value)} holds a NUL character"
    try:
        os.fsencode(value)  # takes the names of files that are no text
    except UnicodeEncodeError:
        return f"{quoted(value)} holds half of a surrogate pair"
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {quoted(key)} stands twice in an object")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number that JSON has")


def _integer(text: str) -> int:
    # Of thousands of digits Python would raise an error of its own, or take long.
    if len(text) > 20 or not -_LARGEST <= (number := int(text)) < _LARGEST:
        raise ValueError(f"a number of {len(text)} digits, {text[:12]}.., does not fit 64 bits")
    return number


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {quoted(text)} is too large")
    return number
