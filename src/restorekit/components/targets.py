"""What a component's name stands for: imported, called and looked at, whatever code it is."""

from __future__ import annotations

import importlib
import inspect
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from restorekit.components import signatures
from restorekit.components.isolation import attempt
from restorekit.components.process_state import KeptState
from restorekit.errors import ArgumentError, PluginError, PluginWarning, RestoreKitError, message_of

Target = Callable[..., object]
_warned: set[str] = set()  # warnings that were given, each once


def import_target(path: str, label: str) -> Target:
    """The callable at "package.module:Attribute".

    Args:
        path: where it is.
        label: whose it is, for messages.

    Raises:
        PluginError: it cannot be imported, or is not callable.
    """
    module, _, attribute = path.partition(":")

    def tell(error: str) -> str:
        return f"{label} cannot be imported from {path}: {error}"

    # A missing extra raises a RestoreKitError, which already has a clear message.
    with attempt(tell, RestoreKitError):
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        # Within the block, since `callable` runs code of the object's class.
        is_callable = callable(found)
    if not is_callable:
        raise PluginError(f"{label}: {path} is not callable")
    return found  # type: ignore[no-any-return]


def call_target(target: Target, arguments: Mapping[str, object], where: str, label: str) -> object:
    """What a target returns.

    Raises:
        ArgumentError: it refuses its arguments, with a ValueError.
        PluginError: it raises anything else.
    """
    with attempt(lambda error: f"{label} raised {error}", RestoreKitError):
        try:
            return target(**arguments)
        # A component within a component has already a message of its own.
        except ArgumentError:
            raise
        except ValueError as error:
            raise signatures.unfit_arguments(where, [message_of(error)]) from error


def lacking(made: object, needs: Iterable[str]) -> str | None:
    """The first attribute that a component needs and an object lacks; a built-in is not called."""
    # Lists and numbers have methods such as __getitem__, but are not what the plugin meant.
    is_plain = type(made).__module__ == "builtins" and not inspect.isfunction(made)
    return next((n for n in needs if not hasattr(made, n) or (n == "__call__" and is_plain)), None)


@contextmanager
def undo_changes(label: str, *, with_random: bool = True) -> Iterator[None]:
    """Undo changes of process-wide state by the block, with a warning given once.

    Only in the main thread: changes by other threads could not be distinguished.

    Args:
        label: who runs in the block, for the warning.
        with_random: also put the random generators back.

    Warns:
        PluginWarning: something was changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with KeptState(with_random=with_random) as state:
        yield
    message = f"{label} changed {', '.join(state.changed)}, which was undone"
    if state.changed and message not in _warned:
        _warned.add(message)
        warnings.warn(message, PluginWarning, stacklevel=4)


def target_path(target: Target) -> str:
    """The location of a target as "package.module:Attribute"."""
    plain = signatures.unwrap_target(target)
    name = getattr(plain, "__qualname__", type(plain).__qualname__)
    return f"{getattr(plain, '__module__', None)}:{name}"


def source_file(target: Target) -> str:
    """The source file of a target; "" if there is none."""
    try:
        return inspect.getsourcefile(signatures.unwrap_target(target)) or ""
    except (TypeError, OSError):  # OSError: a class of a session or of executed text
        return ""


def own_docstring(target: Target) -> str:
    """The docstring of a target itself.

    `inspect.getdoc` would give an undocumented class that of its base, such as `nn.Module`.
    """
    doc = target.__doc__
    return inspect.cleandoc(doc) if isinstance(doc, str) else ""
