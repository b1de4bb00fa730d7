"""The family of errors: bounded messages that travel between processes."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from restorekit import errors
from restorekit.errors import ConfigError, RestoreKitError

KINDS = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, (RestoreKitError, Warning))
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_pickling(kind: type[Exception]) -> None:
    """With its message, its attributes and what was added to it."""
    given = ["one", "two"] if kind is ConfigError else "what is wrong"
    error = kind(given)
    error.add_note("a note")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_the_problems_survive_pickling() -> None:
    """Each of them, not their letters."""
    again = pickle.loads(pickle.dumps(ConfigError(["one", "two"])))
    assert again.problems == ("one", "two")
    assert str(again) == "one\ntwo"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, RestoreKitError)])
def test_a_message_is_bounded(kind: type[Exception]) -> None:
    """Whatever it quotes; its end, where the nearest right thing stands, is kept."""
    text = f"unknown key '{'k' * 200_000}'. Did you mean 'key'?"
    error = kind([text] if kind is ConfigError else text)
    assert len(str(error)) <= 1000
    assert str(error).endswith("Did you mean 'key'?")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, RestoreKitError)])
def test_a_message_is_one_line(kind: type[Exception]) -> None:
    """A name with line breaks or terminal sequences cannot look like several messages."""
    text = "unknown loss 'l1\r\nerror: \x1b[31m\u2028'"
    shown = r"unknown loss 'l1\r\nerror: \x1b[31m\u2028'"
    error = kind([text, text] if kind is ConfigError else text)
    assert str(error).split("\n") == [shown] * (2 if kind is ConfigError else 1)
    if isinstance(error, ConfigError):
        assert error.problems == (shown, shown)


def test_five_thousand_faults_are_counted() -> None:
    """All are kept, the first are in the message."""
    error = ConfigError([f"fault {number}" for number in range(5000)])
    assert len(error.problems) == 5000
    assert str(error).splitlines()[-1] == "and 4950 more problems"
    assert len(str(error).splitlines()) == 51
