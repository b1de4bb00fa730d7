"""The grid of a sweep: its settings, and the names of its runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from restorekit.components.expressions import read_values
from restorekit.config.overrides import put_value
from restorekit.errors import ArgumentError
from restorekit.untrusted.text import quoted

_UNSAFE = re.compile(r"[^A-Za-z0-9._=+-]+")  # in names of folders
_LONGEST = 100  # characters of a name


@dataclass(frozen=True)
class Point:
    """A run of a sweep.

    Attributes:
        name: the name of its folder, such as "learning_rate=0.0001,seed=1".
        config: its configuration.
    """

    name: str
    config: Mapping[str, object]


def read_settings(texts: Sequence[str]) -> dict[str, list[object]]:
    """The settings of a grid from "key.path=value,value".

    Raises:
        ArgumentError: one is not of that form, or is given twice.
    """
    found: dict[str, list[object]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not key.strip():
            raise ArgumentError(f"setting {quoted(text)}: not of the form key.path=value,value")
        if key.strip() in found:
            raise ArgumentError(f"setting '{key.strip()}' is given twice")
        found[key.strip()] = read_values(values)
    return found


def grid_points(
    data: Mapping[str, object], settings: Mapping[str, Sequence[object]]
) -> list[Point]:
    """Every combination of the settings, the last one varying fastest.

    Raises:
        ArgumentError: there is no setting, or one without values.
        ConfigError: the key of a setting is invalid.
    """
    if not settings:
        raise ArgumentError("a sweep needs settings: -s train.learning_rate=1e-4,3e-4")
    for key, values in settings.items():
        if isinstance(values, (str, bytes)) or not values:
            raise ArgumentError(f"setting '{key}' is a list of values, not {quoted(values)}")
    short = _short_keys(list(settings))
    points: dict[str, Point] = {}
    for values in product(*settings.values()):
        config: dict[str, object] = dict(data)
        for key, value in zip(settings, values, strict=True):
            config = put_value(config, key, value)
        parts = [f"{short[k]}={_text(v)}" for k, v in zip(settings, values, strict=True)]
        name = _folder_name(",".join(parts))
        points.setdefault(name, Point(name, config))  # a value that is given twice is one run
    return list(points.values())


def _short_keys(keys: Sequence[str]) -> dict[str, str]:
    """The last word of each key, or the whole key if several end in it."""
    last = [key.rpartition(".")[2] for key in keys]
    return {k: w if last.count(w) == 1 else k for k, w in zip(keys, last, strict=True)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _folder_name(text: str) -> str:
    """A name for a folder; with a digest if it would not tell the settings apart."""
    safe = ",".join(_UNSAFE.sub("_", part) for part in text.split(","))
    if safe == text and len(text) <= _LONGEST:
        return text
    return f"{safe[:_LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
