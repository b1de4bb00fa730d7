"""JSON and Python data from outside: unusable values are found and named in one line."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restorekit import ArgumentError, create_noise
from restorekit.components.expressions import parse_expression, read_value
from restorekit.untrusted.plain_data import DEEPEST, find_unusable, parse_json

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(JSON_VALUES)
def test_all_other_json_is_read_as_python_reads_it(value: Any) -> None:
    """Being strict does not change how valid JSON is read."""
    assert parse_json(json.dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NaN", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("1e999", "too large"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' is duplicated"),
        ("9" * 5000, "5000 digits"),
        ("-" + "9" * 19, "64 bits"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 5_000, "nested"),
    ],
)
def test_what_other_readers_take(text: str, message: str) -> None:
    """Python's reader accepts these, or raises an unusual exception."""
    with pytest.raises(ValueError, match=message) as caught:
        parse_json(text)
    assert len(str(caught.value)) < 200


def test_a_raised_limit_of_recursion_changes_nothing() -> None:
    """Libraries raise it; brackets in texts and those that are closed do not count."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        for text in ("[" * 5_000 + "]" * 5_000, '{"a":' * 5_000 + "1" + "}" * 5_000):
            with pytest.raises(ValueError, match="nested"):
                parse_json(text)
    finally:
        sys.setrecursionlimit(before)
    for value in (["[" * 2_000, '"[\\' * 2_000], [[]] * 2_000, {"{" * 2_000: [{}] * 2_000}):
        assert parse_json(json.dumps(value)) == value


def test_the_limit_of_digits_is_left_alone() -> None:
    """It belongs to the process."""
    before = sys.get_int_max_str_digits()
    with pytest.raises(ValueError, match="digits"):
        parse_json("9" * 5000)
    assert sys.get_int_max_str_digits() == before


def test_what_cannot_be_used_has_its_path() -> None:
    """Too deep nesting, numbers that do not fit, and text."""
    data = {"a": [{"b": 10**30}]}
    assert (found := find_unusable(data)) is not None
    assert found.startswith("a.0.b: 1000")
    for text in ("x\0y", "\ud800"):
        assert (found := find_unusable({"a": text})) is not None
        assert found.isprintable()
        assert (found := find_unusable({text: 1})) is not None
        assert found.isprintable()
    assert find_unusable({"name": "of bytes that are not text: \udcff"}) is None


def test_depth_and_number_are_bounded() -> None:
    """Data that contain themselves are infinitely deep."""
    assert find_unusable(nested(DEEPEST)) is None
    assert "deep" in str(find_unusable(nested(DEEPEST + 10)))
    assert "deep" in str(find_unusable(nested(100_000)))
    endless: dict[str, Any] = {}
    endless["a"] = endless
    assert "deep" in str(find_unusable(endless))
    assert find_unusable([0] * 1000) is None
    assert "more than 999" in str(find_unusable([0] * 1000, most=999))


def test_values_of_the_command_line() -> None:
    """A value that is not JSON is text; JSON that cannot be used is refused."""
    assert read_value("0.5") == 0.5
    assert read_value("[1, ") == "[1, "
    for text in ("NaN", "9" * 5000, "[" * 100_000, '{"a": 1, "a": 2}'):
        with pytest.raises(ArgumentError):
            read_value(text)
    for text in ('{"name": "a", "name": "b"}', "{" * 1000, '{"name": NaN}', '{"a":' * 5000):
        with pytest.raises(ArgumentError):
            parse_expression(text)


@pytest.mark.parametrize("name", ["chain", "one_of", "luminance"])
def test_noises_of_noises_of_noises(name: str) -> None:
    """Very deep nesting, and noises that contain themselves, are refused in one line."""
    key = "noise" if name == "luminance" else "noises"
    spec: Any = "gaussian"
    for _ in range(2000):
        spec = {"name": name, key: spec if name == "luminance" else [spec]}
    endless: dict[str, Any] = {"name": name}
    endless[key] = endless if name == "luminance" else [endless]
    for given_ in (spec, endless):
        with pytest.raises(ArgumentError, match=f"noise '{name}': .* deep"):
            create_noise(name, **{key: given_[key]})
