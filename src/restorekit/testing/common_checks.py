"""Checks of components of every kind: documentation and arguments."""

from __future__ import annotations

import inspect
import json
from typing import Any

from restorekit.components import targets
from restorekit.errors import RestoreKitError
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.subject import Subject


def docstring(subject: Subject) -> None:
    """A component has a summary for listings and a docstring that describes each argument."""
    if subject.name is None:
        documented = inspect.isroutine(subject.made) or isinstance(subject.made, type)
        target = subject.made if documented else type(subject.made)
        require(targets.own_docstring(target), f"{target.__name__} has no docstring")
        return
    description = subject.registry.describe(subject.name)
    require(description.summary, "no summary")
    require(description.doc, f"{description.target} has no docstring")
    missing = [each.name for each in description.arguments if not each.description]
    require(not missing, f"nothing under 'Args:' about {', '.join(missing)}")


def arguments(subject: Subject) -> None:
    """The arguments are the configuration: JSON can express them, and they make the component."""
    if subject.name is None:
        raise NotApplicable("it was not made by name")
    json.dumps(subject.registry.json_schema(subject.name))
    checked = subject.registry.check(subject.name, subject.arguments)
    written = _as_json(checked.arguments)
    again = subject.registry.check(subject.name, written)
    # A logger is given the folder of a run, which only a run has.
    if len(subject.given) == subject.registry.given:
        subject.registry.make(again, *subject.given)


def refused_arguments(subject: Subject) -> None:
    """An argument that it does not take is refused, by name, before or when it is made."""
    if subject.name is None:
        raise NotApplicable("it was not made by name")
    registry = subject.registry
    try:
        checked = registry.check(subject.name, {**subject.arguments, "no_such_argument": 1})
        # Only a target with **kwargs gets here; it has to check them itself.
        if len(subject.given) == registry.given:
            registry.make(checked, *subject.given)
    except RestoreKitError as error:
        require("no_such_argument" in str(error), f"the message is '{error}'")
    else:
        raise AssertionError("no_such_argument=1 was accepted; **kwargs accepts anything")


def _as_json(values: Any) -> Any:
    """Arguments as a configuration file has them."""
    try:
        return json.loads(json.dumps(dict(values), allow_nan=False))
    except (TypeError, ValueError) as error:
        if any(callable(value) for value in values.values()):
            raise NotApplicable("it was given an object, which only Python can") from error
        raise AssertionError(f"a default value has no JSON form: {error}") from error


COMMON_CHECKS = (docstring, arguments, refused_arguments)
