"""Stopping in good order: at a signal or a time limit, after the step under way."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from types import FrameType
from typing import Self

from restorekit.signal_handlers import existing_signals, handling_signals
from restorekit.storage.temporaries import remove_unfinished

TIME_IS_UP = 1
SIGNALS = existing_signals("SIGTERM", "SIGINT", "SIGHUP")


class Interruption:
    """Detects SIGTERM, SIGINT, SIGHUP and the end of the time limit within a `with` block.

    The first signal asks the loop to finish its step, save and stop; a second one ends the process
    at once. SIGHUP stays ignored where it is, as under nohup. Handlers are only the main thread's
    to set: elsewhere the time limit alone works.

    Args:
        minutes: limit of the wall-clock time; None for no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal = 0
        self._handlers = ExitStack()

    @property
    def reason(self) -> int:
        """0 to go on, `TIME_IS_UP`, or 128 + the signal: SIGTERM 143, SIGINT 130, SIGHUP 129."""
        if self._signal:
            return 128 + self._signal
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return TIME_IS_UP if late else 0

    def __enter__(self) -> Self:
        hangup = existing_signals("SIGHUP")
        # nohup ignores SIGHUP so that a run survives the end of a login.
        ignored = [number for number in hangup if signal.getsignal(number) == signal.SIG_IGN]
        numbers = [number for number in SIGNALS if number not in ignored]
        self._handlers.enter_context(handling_signals(numbers, self._notice))
        return self

    def __exit__(self, *_: object) -> None:
        self._handlers.close()

    def _notice(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            remove_unfinished()
            os._exit(128 + number)
        self._signal = number


def exit_code(reason: int) -> int:
    """What the process shall exit with: the time limit is an end as planned."""
    return 0 if reason == TIME_IS_UP else reason
