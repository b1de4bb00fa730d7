"""The exceptions: limited messages, and pickling between processes."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from restorekit import errors
from restorekit.components.kinds import noises
from restorekit.components.registry import Registry
from restorekit.errors import ArgumentError, ConfigError, RestoreKitError

DERIVED = re.compile(r"^class (\w+)\(\w*(?:Error|Warning)\)", re.MULTILINE)


def derived_kinds() -> Iterator[type[Exception]]:
    """The kinds that other files of the package derive, found by their text."""
    source = Path(errors.__file__).parent
    for path in sorted(source.rglob("*.py")):
        for name in re.findall(
            r"^class (\w+)\(\w*(?:Error|Warning)\)", path.read_text("utf-8"), re.M
        ):
            module = ".".join(("restorekit", *path.relative_to(source).with_suffix("").parts))
            kind = getattr(importlib.import_module(module), name)
            if issubclass(kind, RestoreKitError | Warning):
                yield kind


OWN = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
KINDS = [kind for kind in OWN if issubclass(kind, RestoreKitError | Warning)]
KINDS += [kind for kind in derived_kinds() if kind not in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_pickling(kind: type[Exception]) -> None:
    """With its message and attributes."""
    given = ["one", "two"] if kind is ConfigError else "what is wrong"
    error = kind(given)
    error.add_note("a note")
    vars(error).update(faults=("one", "two"), key="model", component={"name": "unet"})
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_an_error_of_a_component_survives_pickling() -> None:
    """Also if the component is a function of this process, which cannot be pickled itself."""
    own = Registry("noise")
    own.register("refusing")(lambda std=1.0: (_ for _ in ()).throw(ValueError("too strong")))
    with pytest.raises(ArgumentError) as caught:
        noises.create("gaussian", std=9)
    again = pickle.loads(pickle.dumps(caught.value))
    assert vars(again) == vars(caught.value)
    with pytest.raises(RestoreKitError) as caught:
        own.create("refusing")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert type(again) is type(caught.value)


def fail(kind: type[RestoreKitError]) -> None:
    """Raise an error with attributes, in another process."""
    error = kind(["one"] if kind is ConfigError else "one")
    error.key = "model"
    raise error


def test_errors_pass_from_a_process_to_another() -> None:
    """Those of a pool are raised where the result is asked for."""
    kinds = [kind for kind in KINDS if issubclass(kind, RestoreKitError)]
    with ProcessPoolExecutor(1, get_context("forkserver")) as pool:
        for kind, result in [(kind, pool.submit(fail, kind)) for kind in kinds]:
            error = result.exception()
            assert type(error) is kind
            assert (str(error), error.key) == ("one", "model")


def test_the_problems_survive_pickling() -> None:
    """As a tuple of texts."""
    again = pickle.loads(pickle.dumps(ConfigError(["one", "two"])))
    assert again.problems == ("one", "two")
    assert str(again) == "one\ntwo"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, RestoreKitError)])
def test_a_message_is_bounded(kind: type[Exception]) -> None:
    """For any content; the end, which has the suggestion, is kept."""
    text = f"unknown key '{'k' * 200_000}'. Did you mean 'key'?"
    error = kind([text] if kind is ConfigError else text)
    assert len(str(error)) <= 1000
    assert str(error).endswith("Did you mean 'key'?")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, RestoreKitError)])
def test_a_message_is_one_line(kind: type[Exception]) -> None:
    """Line breaks and terminal sequences in a name are escaped."""
    text = "unknown loss 'l1\r\nerror: \x1b[31m\u2028'"
    shown = r"unknown loss 'l1\r\nerror: \x1b[31m\u2028'"
    error = kind([text, text] if kind is ConfigError else text)
    assert str(error).split("\n") == [shown] * (2 if kind is ConfigError else 1)
    if isinstance(error, ConfigError):
        assert error.problems == (shown, shown)


def test_five_thousand_faults_are_counted() -> None:
    """All are kept; the message has the first ones and the number of the rest."""
    error = ConfigError([f"fault {number}" for number in range(5000)])
    assert len(error.problems) == 5000
    assert str(error).splitlines()[-1] == "and 4950 more problems"
    assert len(str(error).splitlines()) == 51
