"""Signals that end the command line."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager, suppress
from types import FrameType
from typing import NoReturn

from restorekit.signal_handlers import existing_signals, handling_signals
from restorekit.storage.temporaries import remove_unfinished

_SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


def ending_on_signals() -> AbstractContextManager[None]:
    """Within the block, SIGTERM and SIGHUP end the process at once and remove temporary files.

    A signal that is ignored, as SIGHUP is under nohup, stays so.
    """
    ending = existing_signals("SIGTERM", "SIGHUP")
    # A host program may have handlers of its own.
    unhandled = [number for number in ending if signal.getsignal(number) == signal.SIG_DFL]
    return handling_signals(unhandled, _end)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    # Not by an exception: it would be raised at any point of the program, where it may be swallowed
    # or converted to another one, for example in an import or a destructor.
    remove_unfinished()
    with suppress(Exception):  # the stream may be in the middle of a write
        sys.stdout.flush()
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)
        os.write(2, f"error: stopped by {signal.Signals(number).name}\n".encode())
    os._exit(128 + number)
