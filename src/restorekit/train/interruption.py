"""Stopping in good order: at a signal or a time limit, after the step under way."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

from restorekit.storage.temporaries import remove_unfinished

TIME_IS_UP = 1
_HANGUP = getattr(signal, "SIGHUP", None)  # not on Windows
SIGNALS = tuple(n for n in (signal.SIGTERM, signal.SIGINT, _HANGUP) if n is not None)


class Interruption:
    """Notices SIGTERM, SIGINT, SIGHUP and the end of the time allowed, within a `with` block.

    The first signal asks the loop to finish its step, save and stop; a second one ends the process
    at once. SIGHUP stays ignored where it is, as under nohup. Handlers are only the main thread's
    to set: elsewhere the time limit alone works.

    Args:
        minutes: wall-clock time allowed; None is no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._signal = 0
        self._previous: dict[int, object] = {}

    @property
    def reason(self) -> int:
        """0 to go on, `TIME_IS_UP`, or 128 + the signal: SIGTERM 143, SIGINT 130, SIGHUP 129."""
        if self._signal:
            return 128 + self._signal
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return TIME_IS_UP if late else 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number != _HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._notice)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _notice(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            remove_unfinished()
            os._exit(128 + number)
        self._signal = number


def exit_code(reason: int) -> int:
    """What the process shall exit with: the time limit is an end as planned."""
    return 0 if reason == TIME_IS_UP else reason
