"""Calls of the training hooks of plugins and of the user."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from restorekit.components.isolation import attempt
from restorekit.components.plugin_host import hook_names, implementations
from restorekit.components.targets import undo_changes
from restorekit.errors import ArgumentError, PluginError, PluginWarning, did_you_mean

_END = "restorekit_train_end"
HOOKS = ("restorekit_train_start", "restorekit_step_end", "restorekit_validation_end", _END)


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
        self._ended = False

    @contextmanager
    def ended_by_errors(self, trainer: object) -> Iterator[None]:
        """If the block raises an error, call the last hook with it, unless the run has ended."""
        try:
            yield
        except BaseException as error:
            if not self._ended:
                self.call(_END, trainer=trainer, outcome=None, error=error)
            raise

    def call(self, hook: str, **arguments: object) -> None:
        """Call every implementation of a hook, with as many of the arguments as it takes."""
        self._ended = self._ended or hook == _END
        installed = implementations(hook) if self._plugins else []
        found = [*installed, *_methods(self._extra, hook)]
        for place, (owner, function, names) in enumerate(found):
            if (place, hook) in self._dropped:
                continue
            taken = {k: v for k, v in arguments.items() if names is None or k in names}
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


def check_callbacks(callbacks: Iterable[object]) -> tuple[object, ...]:
    """The user's callbacks, each with a method for at least one hook and none that is misspelt.

    Raises:
        ArgumentError: one is a class, or has no such method, or one with an unknown name.
    """
    found = tuple(callbacks)
    for callback in found:
        if isinstance(callback, type):
            name = callback.__name__
            raise ArgumentError(f"callback {name} is a class; give {name}(...)")
        name, known = type(callback).__name__, hook_names()
        for each in dir(type(callback)):
            # A misspelt hook would never be called.
            if each.startswith("restorekit_") and each not in known:
                raise ArgumentError(
                    f"callback {name}: unknown hook '{each}'.{did_you_mean(each, HOOKS)}"
                )
        if not any(hasattr(callback, hook) for hook in HOOKS):
            raise ArgumentError(f"callback {name} has none of the methods {', '.join(HOOKS)}")
    return found


def _methods(
    objects: tuple[object, ...], hook: str
) -> list[tuple[str, object, Sequence[str] | None]]:
    named = [(f"callback {type(o).__name__}", getattr(o, hook, None)) for o in objects]
    return [(name, method, _parameters(method)) for name, method in named if method is not None]


def _parameters(method: Any) -> Sequence[str] | None:
    """The arguments that a method takes by name; None for all of them."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):  # a builtin or a mock
        return None
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None
    return [each.name for each in parameters]
