"""Signal handlers for the duration of a block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from restorekit.signal_handlers import existing_signals, handling_signals

TERM = signal.SIGTERM


@pytest.fixture(autouse=True)
def handler_is_put_back() -> Iterator[None]:
    """Restores the handler after a test."""
    before = signal.getsignal(TERM)
    yield
    signal.signal(TERM, before)


def ignored(number: int, frame: FrameType | None) -> None:
    """A handler that does nothing."""


def test_the_handler_is_called_within_the_block_only() -> None:
    """It receives the number of the signal; afterwards the previous handler is restored."""
    signal.signal(TERM, ignored)
    outer: list[int] = []
    inner: list[int] = []
    with handling_signals([TERM], lambda number, _: outer.append(number)):
        with handling_signals([TERM], lambda number, _: inner.append(number)):
            signal.raise_signal(TERM)
        assert (outer, inner) == ([], [TERM])
        signal.raise_signal(TERM)
    signal.raise_signal(TERM)
    assert (outer, inner) == ([TERM], [TERM])
    assert signal.getsignal(TERM) is ignored


def test_it_is_put_back_after_an_exception() -> None:
    """For any exception."""
    before = signal.getsignal(TERM)
    with pytest.raises(KeyError), handling_signals([TERM], ignored):
        raise KeyError
    assert signal.getsignal(TERM) == before


def test_a_handler_set_within_the_block_stays() -> None:
    """A handler that other code has set in the block is not replaced."""
    with handling_signals([TERM], lambda *_: None):
        signal.signal(TERM, ignored)
    assert signal.getsignal(TERM) is ignored


def test_other_threads_leave_the_handlers_alone() -> None:
    """Python allows only the main thread to install one; the block runs without it."""
    before, seen = signal.getsignal(TERM), []

    def run() -> None:
        with handling_signals([TERM], ignored):
            seen.append(signal.getsignal(TERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]


def test_signals_that_the_platform_lacks_are_left_out() -> None:
    """For example SIGHUP on Windows."""
    assert existing_signals("SIGTERM", "SIGNONE", "SIGINT") == (signal.SIGTERM, signal.SIGINT)
