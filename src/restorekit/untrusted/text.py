"""Untrusted text made safe to print: limited in length, without control characters."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Sequence

LONGEST = 1000  # characters in a message
_MOST_LINES = 50
_JOINERS = "\u200c\u200d"  # needed in Persian and Indic words and in emoji


def shortened(text: str, limit: int = LONGEST) -> str:
    """The text, or if it exceeds `limit` characters its two ends and the number omitted between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3 - 40
    return f"{text[:head]} ... ({len(text) - head - tail} characters) ... {text[-tail:]}"


def one_line(text: str, limit: int = LONGEST) -> str:
    """A text as one line of a message: control characters escaped, the length limited."""
    return shortened(escaped(text), limit)


def quoted(value: object) -> str:
    """The `repr` of a value as one line of a message, shortened where it is long or deep."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except BaseException:  # `__repr__` of another package may raise anything
        return f"<{type(value).__name__} that cannot be shown>"


def escaped(text: str) -> str:
    """Escape control characters, line breaks and direction marks, as `repr` does.

    A terminal interprets them: they can move the cursor, change colours, hide text, or make one
    line look like several.

    Example:
        >>> escaped("a\\x1b[31m.png")
        'a\\\\x1b[31m.png'
    """
    return text if text.isprintable() else "".join(map(_escaped_character, text))


def first_lines(lines: Sequence[str], noun: str) -> list[str]:
    """The first 50 lines, each safe to print, and the number of the others.

    Args:
        lines: any number of lines.
        noun: what the lines are, in the plural.
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
        # reprlib's own limits are for a debugger; messages show one value in a line.
        self.maxstring = self.maxother = 60
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to convert integers of thousands of digits to text.
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"<{x.bit_length()} bits>"


_SHORT = _Short()
