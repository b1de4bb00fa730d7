"""Mutations of JSON: its structure, its values, and its text."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.mutate import mutate_bytes


@dataclass(frozen=True)
class Raw:
    """Text that is written in place of a value, whether it is valid JSON or not."""

    text: str


_RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-400", "-0", "0.1e", "01", "nul", "'x'",
    "", "9" * 5000, "-" + "9" * 5000, "1" + "0" * 400, "[,]", "/* */ 1", '{"a":1,"a":2}',
    '"\\ud800"', '"\\u0000"', '"\\u001b[31mred"', '"' + "k" * 200_000 + '"',
    "[" * 60 + "]" * 60, "[" * 1100 + "]" * 1100, '{"name":' * 1100 + "1" + "}" * 1100,
    '{"name":"chain","noises":[' * 300 + '"gaussian"' + "]}" * 300,
)  # fmt: skip
_NUMBERS = (
    0, 1, -1, 2, 3, 4, 7, 16, 0.0, 0.5, 1.5, -0.5, 1e-9, 1e-300, 1e9, 10**5, 10**6, 10**9, 2**31,
    2**63, 10**30, 1e308,
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 0.5, -0.5, 1e-9, 1e9, 10**5, 10**6, 10**9, 2**31, 2**63,
    2**64, 10**30, 10**300, -(2**63), 1e308,
    "", " ", "x", "auto", "none", "null", "0", "1", "nan", "inf", "name", "__class__", "%s %d {0}",
    "a\nb", "line\u2028break", "\x1b]0;title\x07", "\u202e", "é" * 50, "../x", "~", "\0",
    "x" * 5000, [], {}, [[]], [{}], [None], [0, 0], [1, 2, 3], [1e9, -1e9], ["a", 1, None],
    {"": 1}, {"name": None}, {"name": "x"}, {"name": ["x"]}, {"weight": -1},
)  # fmt: skip


def mutated_json(value: Any, random: Random, words: Sequence[str] = (), most: int = 3) -> bytes:
    """A JSON value as text after a few mutations.

    Args:
        value: the whole one.
        random: decides.
        words: keys and values that the reader of the text knows.
        most: number of mutations.
    """
    value = copy.deepcopy(value)
    for _ in range(random.randint(1, most)):
        value = _mutated(value, random, words)
    text = _dumped(value).encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        text = mutate_bytes(text, random)
    if random.random() < 0.03:
        text = random.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"[", b"{}"]) + text
    return text


def _mutated(value: Any, random: Random, words: Sequence[str]) -> Any:
    """The value with one place in it changed."""
    places = list(_places(value))
    if not places or random.random() < 0.03:
        return _some(random, words)
    holder, key = random.choice(places)
    how = random.randrange(8)
    if how == 0:
        del holder[key]
    elif how == 1:
        other, place = random.choice(places)
        holder[key] = copy.deepcopy(other.get(place) if isinstance(other, dict) else other[place])
    elif how == 2:
        holder[key] = (
            [holder[key]] if random.random() < 0.5 else {random.choice(("name", "x")): holder[key]}
        )
    elif how == 3 and isinstance(holder, dict):
        holder[_key(str(key), random, words)] = (
            holder.pop(key) if random.random() < 0.5 else _some(random, words)
        )
    elif how == 4 and words:
        holder[key] = random.choice(words)
    else:
        holder[key] = _some(random, words, holder[key])
    return value


def _some(random: Random, words: Sequence[str], was: Any = None) -> Any:
    """A value that is seldom right."""
    how = random.random()
    if isinstance(was, (int, float)) and how < 0.5:
        return random.choice(_NUMBERS)
    if how < 0.15:
        return Raw(random.choice(_RAW))
    if how < 0.3 and words:
        return random.choice(words)
    return copy.deepcopy(random.choice(_VALUES))


def _key(key: str, random: Random, words: Sequence[str]) -> str:
    ways = [
        key + "s",
        key[:-1],
        key.upper(),
        "",
        "x" * 200_000,
        "\x1b[31m",
        "a.b",
        "__proto__",
        "weights\n",
        "é",
    ]
    return random.choice([*ways, *words])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a nested value: what holds it, and its key there."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return []
    return [place for key, item in inner for place in [(value, key), *_places(item)]]


def _dumped(value: Any) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(str(k))}: {_dumped(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
