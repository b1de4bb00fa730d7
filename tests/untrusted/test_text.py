"""Text from outside is escaped for terminals, and its length is limited."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restorekit.untrusted.text import LONGEST, escaped, first_lines, quoted, shortened

COMMANDS = ["\x1b[2J", "\x9b31m", "\r", "\x07", "\x7f", "\u202e", "\u2066", "\u2028", "\udc9b"]


@pytest.mark.parametrize("command", COMMANDS)
def test_control_characters_are_escaped(command: str) -> None:
    """C0, C1, DEL, line separators, direction marks and bytes that are not text."""
    shown = escaped(f"a{command}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_text_that_people_write_stays() -> None:
    """Any script, joined emoji, and the narrow space in file names of screenshots."""
    for text in ("Müller 写真 می\u200cم.png", "👩\u200d🔬.png", "Shot at 1.00.00\u202fPM.png"):
        assert escaped(text) == text


@given(st.text())
def test_the_escaped_is_one_line_without_control_characters(text: str) -> None:
    """For any text."""
    shown = escaped(text)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert escaped(shown) == shown


def test_a_long_text_keeps_its_two_ends() -> None:
    """A message has the mistake at its beginning and the suggestion at its end."""
    short = shortened("first " + "x" * 200_000 + " last")
    assert len(short) <= LONGEST
    assert short.startswith("first x")
    assert short.endswith("x last")
    assert shortened("x" * LONGEST) == "x" * LONGEST


def test_a_value_is_quoted_shortly() -> None:
    """Also one that is long, deep, infinite or large."""
    endless: list[object] = []
    endless.append(endless)
    for value in ("x" * 10**6, [1] * 10**6, endless, {i: i for i in range(10**4)}, 10**5000):
        assert len(quoted(value)) < 300
    assert quoted("a\nb") == r"'a\nb'"
    assert quoted(12) == "12"


def test_many_lines_are_counted() -> None:
    """The first ones are shown."""
    lines = [f"line {number}" for number in range(5000)]
    shown = first_lines(lines, "faults")
    assert len(shown) == 51
    assert shown[:2] == lines[:2]
    assert shown[-1] == "and 4950 more faults"
    assert first_lines(lines[:3], "faults") == lines[:3]
