"""Text from outside, made fit to be shown: bounded in length, and free of control characters."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Sequence
from typing import Any

LONGEST = 1000  # characters of a message
_MOST_LINES = 50
_JOINERS = "\u200c\u200d"  # they shape Persian and Indic words and emoji


def shortened(text: str, limit: int = LONGEST) -> str:
    """A text of at most `limit` characters, or its two ends and how much is left out between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3 - 40
    return f"{text[:head]} ... ({len(text) - head - tail} characters) ... {text[-tail:]}"


def one_line(text: str, limit: int = LONGEST) -> str:
    """A text for a message: control characters and line breaks escaped, its length bounded."""
    return shortened(escaped(text), limit)


def quoted(value: Any) -> str:
    """A value for a message, on one line: `repr`, shortened where it is long or deep."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except BaseException:  # that of foreign code may raise anything
        return f"<{type(value).__name__} that cannot be shown>"


def escaped(text: str) -> str:
    """A text whose control characters, line breaks and direction marks are shown, as by `repr`.

    A terminal would obey them: they can move the cursor, recolour or hide what is printed, or
    make one line look like several.

    Example:
        >>> escaped("a\\x1b[31m.png")
        'a\\\\x1b[31m.png'
    """
    return text if text.isprintable() else "".join(map(_escaped_character, text))


def first_lines(lines: Sequence[str], noun: str) -> list[str]:
    """The first lines of many, each fit for a message, and how many more there are.

    Args:
        lines: any number.
        noun: what they are, in the plural.
    """
    shown = [one_line(line) for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"and {left} more {noun}"] if left else shown


def _escaped_character(character: str) -> str:
    plain = character.isprintable() or character in _JOINERS
    if plain or unicodedata.category(character) == "Zs":  # a space of any width
        return character
    return character.encode("unicode_escape").decode("ascii")


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"<{x.bit_length()} bits>"


_SHORT = _Short()
