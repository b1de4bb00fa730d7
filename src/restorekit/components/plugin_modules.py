"""Code of a plugin, run so that any error becomes a `PluginError`: its module and its hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from inspect import isclass, isroutine
from itertools import islice
from typing import Any

from restorekit.components.catalogue import Catalogue
from restorekit.components.component_records import Record
from restorekit.components.isolation import attempt
from restorekit.errors import PluginError
from restorekit.untrusted.text import quoted

_MOST_COMPONENTS = 10_000  # per hook, since a generator may be infinite


class PluginHooks:
    """The hooks of a plugin for pluggy, without its other attributes."""


def read_hooks(module: object) -> PluginHooks:
    """The hooks that a plugin's module or object implements.

    Raises:
        PluginError: it is a class, or its attributes cannot be read.
    """
    if isclass(module):
        raise PluginError(f"{module.__qualname__} is a class; name a module or an instance")
    hooks = PluginHooks()
    with attempt(lambda error: f"it cannot be registered: {error}"):
        # Copied one by one, since pluggy reads all attributes, and those of a plugin may raise
        # errors.
        for name in dir(module):
            function = getattr(module, name)
            marks = getattr(function, "restorekit_impl", None) if isroutine(function) else None
            if isinstance(marks, dict):
                setattr(hooks, name, function)
    return hooks


def call_component_hook(function: Callable[[], Any], catalogue: Catalogue[Record]) -> list[Record]:
    """The components that a function of a plugin returns for a catalogue.

    Raises:
        PluginError: it fails, or returns something else.
    """
    hook, record = catalogue.hook, catalogue.record
    with attempt(lambda error: f"{hook} raised {error}"):
        returned = function()
        # A text is iterable, but returning one is a mistake that should be named as a whole.
        several = isinstance(returned, Iterable) and not isinstance(returned, (str, bytes))
        found = list(islice(returned, _MOST_COMPONENTS + 1)) if several else [returned]
    if len(found) > _MOST_COMPONENTS:
        raise PluginError(f"{hook} returned more than {_MOST_COMPONENTS} components")
    for item in found:
        if not isinstance(item, record):
            raise PluginError(f"{hook} returned {quoted(item)}, not a restorekit.{record.__name__}")
    return found


def import_plugin(entry_point: EntryPoint) -> Any:
    """The module or object that an entry point names.

    Raises:
        PluginError: it cannot be imported.
    """
    with attempt(lambda error: f"importing {entry_point.value} raised {error}"):
        return entry_point.load()
