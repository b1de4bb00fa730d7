"""Components in one word: "unet", "gaussian:25", "median:size=5,switching=true", or JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from restorekit.errors import ArgumentError
from restorekit.untrusted.plain_data import parse_json
from restorekit.untrusted.text import quoted

_NAME = re.compile(r"[a-z][a-z0-9_]*")
# A comma outside of brackets of any kind and quotation marks; supports one level of nesting.
_COMMA = re.compile(r""",(?![^\[]*\])(?![^{]*\})(?![^(]*\))(?=(?:[^"]*"[^"]*")*[^"]*$)""")


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
    values: tuple[object, ...] = ()
    arguments: dict[str, object] = field(default_factory=dict)


def parse_expression(text: str) -> Expression:
    """Read NAME, NAME:VALUE,KEY=VALUE or {"name": NAME, KEY: VALUE}.

    Values are read by `read_value`.

    Raises:
        ArgumentError: it is none of these.
    """
    # Shells and configuration files leave blanks around an expression.
    stripped = text.strip()
    if stripped.startswith("{"):
        return _from_json(stripped)
    name, colon, rest = stripped.partition(":")
    if not _NAME.fullmatch(name):
        raise ArgumentError(f"'{text}': '{name}' is not a component name; use name:key=value")
    values: list[object] = []
    arguments: dict[str, object] = {}
    for part in _COMMA.split(rest) if colon else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (value if equals else key) or (equals and not key):
            raise ArgumentError(f"'{text}': '{part}' is neither a value nor of the form key=value")
        if equals and key in arguments:
            raise ArgumentError(f"'{text}': '{key}' is given twice")
        if equals:
            arguments[key] = read_value(value)
        else:
            values.append(read_value(key))
    return Expression(stripped, name, tuple(values), arguments)


def read_value(text: str) -> object:
    """A value as JSON if it is valid (0.1, true, [0.1, 0.2]), otherwise as text.

    Raises:
        ArgumentError: it is JSON that cannot be used, such as NaN or a number of 5,000 digits.
    """
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return text
    except ValueError as error:
        raise ArgumentError(f"{quoted(text)}: {error}") from error


def read_values(text: str) -> list[object]:
    """Values separated by commas outside of brackets, each read by `read_value`.

    Raises:
        ArgumentError: one is JSON that cannot be used.
    """
    return [read_value(each.strip()) for each in _COMMA.split(text)]


def _from_json(text: str) -> Expression:
    given = read_object(text)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise ArgumentError(f'no name in {text}; write {{"name": ..., argument: ...}}')
    return Expression(text, name, (), given)


def read_object(text: str) -> dict[str, object]:
    """A JSON object.

    Raises:
        ArgumentError: it is none, or holds what cannot be used.
    """
    try:
        given = parse_json(text)
    except json.JSONDecodeError as error:
        raise ArgumentError(f"not valid JSON, {error.msg.lower()}: {quoted(text)}") from error
    except ValueError as error:
        raise ArgumentError(f"{quoted(text)}: {error}") from error
    if not isinstance(given, dict):
        raise ArgumentError(f"{quoted(text)}: not a JSON object")
    return given
