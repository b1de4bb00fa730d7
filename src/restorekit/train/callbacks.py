"""What plugins are told during a run."""

from __future__ import annotations

import warnings
from typing import Any

from restorekit.errors import PluginWarning
from restorekit.plugins import implementations


class Callbacks:
    """The implementations of the training hooks, each called on its own.

    One that raises is told of once and not called again: logging must not end a run of days.

    Args:
        extra: objects with methods named like the hooks.
        plugins: whether the installed plugins are called too.
    """

    def __init__(self, *extra: object, plugins: bool = True) -> None:
        self._extra, self._plugins = extra, plugins
        self._dropped: set[tuple[int, str]] = set()

    def call(self, hook: str, **arguments: Any) -> None:
        """Call every implementation of a hook, with as many of the arguments as it takes."""
        found = [*(implementations(hook) if self._plugins else ()), *_methods(self._extra, hook)]
        for place, (owner, function, names) in enumerate(found):
            if (place, hook) in self._dropped:
                continue
            taken = arguments if names is None else {k: arguments[k] for k in names}
            try:
                function(**taken)
            except Exception as error:
                self._dropped.add((place, hook))
                warnings.warn(
                    f"{hook} of {owner} raised {type(error).__name__}: {error}; "
                    "it is not called again in this run",
                    PluginWarning,
                    stacklevel=2,
                )


def _methods(objects: tuple[object, ...], hook: str) -> list[tuple[str, Any, None]]:
    named = [(type(o).__name__, getattr(o, hook, None)) for o in objects]
    return [(name, method, None) for name, method in named if method is not None]
