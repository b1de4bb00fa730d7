"""Components in one word: "unet", "gaussian:25", "median:size=5,switching=true", or JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from restorekit.errors import ArgumentError

_NAME = re.compile(r"[a-z][a-z0-9_]*")
# A comma outside brackets, braces and quotation marks, as far as one level of them goes.
_COMMA = re.compile(r""",(?![^\[]*\])(?![^{]*\})(?=(?:[^"]*"[^"]*")*[^"]*$)""")


@dataclass(frozen=True)
class Expression:
    """A component as it was written.

    Attributes:
        text: the expression itself.
        name: the component's name.
        values: what was given without a name, in order.
        arguments: what was given by name.
    """

    text: str
    name: str
    values: tuple[Any, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)


def parse(text: str) -> Expression:
    """Read NAME, NAME:VALUE,KEY=VALUE or {"name": NAME, KEY: VALUE}.

    Values are read by `read_value`.

    Raises:
        ArgumentError: it is none of these.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return _from_json(stripped)
    name, colon, rest = stripped.partition(":")
    if not _NAME.fullmatch(name):
        raise ArgumentError(f"'{text}': '{name}' is no component's name; write name:key=value")
    values: list[Any] = []
    arguments: dict[str, Any] = {}
    for part in _COMMA.split(rest) if colon else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (value if equals else key) or (equals and not key):
            raise ArgumentError(f"'{text}': '{part}' is no value and not of the form key=value")
        if equals and key in arguments:
            raise ArgumentError(f"'{text}': '{key}' is given twice")
        if equals:
            arguments[key] = read_value(value)
        else:
            values.append(read_value(key))
    return Expression(stripped, name, tuple(values), arguments)


def read_value(text: str) -> Any:
    """A value as JSON where it parses (0.1, true, [0.1, 0.2]), else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _from_json(text: str) -> Expression:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentError(f"not valid JSON, {error.msg.lower()}: {text}") from error
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise ArgumentError(f'no name in {text}; write {{"name": ..., argument: ...}}')
    return Expression(text, name, (), given)
