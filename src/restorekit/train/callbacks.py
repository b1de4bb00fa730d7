"""Calls of the training hooks of plugins and of the user."""

from __future__ import annotations

import warnings
from typing import Any

from restorekit.components.isolation import attempt
from restorekit.components.plugin_host import implementations
from restorekit.components.targets import undo_changes
from restorekit.errors import PluginError, PluginWarning


class Callbacks:
    """The implementations of the training hooks, each called on its own.

    If one raises an error, a warning is given and it is not called again in the run, so that a
    logging error does not end a training of several days.

    Args:
        extra: objects with methods named like the hooks.
        plugins: whether the installed plugins are called too.
    """

    def __init__(self, *extra: object, plugins: bool = True) -> None:
        self._extra, self._plugins = extra, plugins
        self._dropped: set[tuple[int, str]] = set()

    def call(self, hook: str, **arguments: object) -> None:
        """Call every implementation of a hook, with as many of the arguments as it takes."""
        installed = implementations(hook) if self._plugins else []
        found = [*installed, *_methods(self._extra, hook)]
        for place, (owner, function, names) in enumerate(found):
            if (place, hook) in self._dropped:
                continue
            taken = arguments if names is None else {k: arguments[k] for k in names}
            try:
                if place < len(installed):
                    _call_isolated(function, taken, f"{hook} of {owner}")
                else:
                    _call_own(function, taken, f"{hook} of {owner}")
            except PluginError as error:
                self._dropped.add((place, hook))
                message = f"{error}; it is not called again in this run"
                warnings.warn(message, PluginWarning, stacklevel=2)


def _call_isolated(function: Any, arguments: dict[str, Any], label: str) -> None:
    """Call a function of a plugin, which can neither end the run nor change process-wide state."""
    with undo_changes(label, with_random=False), attempt(lambda error: f"{label} raised {error}"):
        function(**arguments)


def _call_own(function: Any, arguments: dict[str, Any], label: str) -> None:
    """Call a function of the user, which may end the run by KeyboardInterrupt or SystemExit."""
    with attempt(lambda error: f"{label} raised {error}", KeyboardInterrupt, SystemExit):
        function(**arguments)


def _methods(objects: tuple[object, ...], hook: str) -> list[tuple[str, object, None]]:
    named = [(type(o).__name__, getattr(o, hook, None)) for o in objects]
    return [(name, method, None) for name, method in named if method is not None]
