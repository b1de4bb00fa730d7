"""Running code of plugins: everything it raises becomes an error of one line.

An extension can raise what no `except Exception` catches: SystemExit ends a command with the exit
code 0, KeyboardInterrupt looks as if the user had pressed Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from restorekit.errors import PluginError, message_of
from restorekit.signal_handlers import handling_signals


@contextmanager
def attempt(
    tell: Callable[[str], str],
    *passed: type[BaseException],
    becomes: type[Exception] = PluginError,
) -> Iterator[None]:
    """Convert everything that is raised within the block to an error of restorekit.

    Args:
        tell: makes the message from the type and text of the exception.
        passed: kinds that are raised on as they are.
        becomes: the kind of the error.

    Raises:
        PluginError: something was raised; or another kind, as `becomes` says.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    with watched_interrupts() as interrupted:
        try:
            yield
        except passed:
            raise
        # SystemExit of a plugin must not end the process of the user.
        except BaseException as error:
            # Only a Ctrl-C of the user passes; one that the plugin raised itself is its fault.
            if isinstance(error, KeyboardInterrupt) and interrupted():
                raise
            raise becomes(tell(describe_cause(error))) from error


def describe_cause(error: BaseException) -> str:
    """The type and message of an exception, in one line."""
    return f"{type(error).__name__}: {message_of(error)}".removesuffix(": ")


@contextmanager
def watched_interrupts() -> Iterator[Callable[[], bool]]:
    """Distinguishes a Ctrl-C of the user from a KeyboardInterrupt that code raised.

    Yields:
        Whether SIGINT has come since the block began. Only the main thread gets its exception.
    """
    came = threading.Event()
    handler = signal.getsignal(signal.SIGINT)
    # SIGINT is ignored or has its default action, so Python raises no KeyboardInterrupt for it.
    if not callable(handler):
        yield came.is_set
        return

    def note(number: int, frame: FrameType | None) -> None:
        came.set()
        handler(number, frame)

    with handling_signals([signal.SIGINT], note):
        yield came.is_set
