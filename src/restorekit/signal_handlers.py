"""Signal handlers that are installed for the time of a block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


def existing_signals(*names: str) -> tuple[int, ...]:
    """The numbers of those signals that the platform has; Windows has no SIGHUP."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


@contextmanager
def handling_signals(numbers: Iterable[int], handler: Handler) -> Iterator[None]:
    """Within the block `handler` is called for the given signals.

    Only the main thread can install handlers: in another one nothing is done. A handler that was
    not installed by Python is left in place, because it could not be put back.
    At the end, a handler that other code has replaced within the block is left to that code.
    """
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            if signal.getsignal(number) is not None:
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            if signal.getsignal(number) == handler:
                signal.signal(number, before)
