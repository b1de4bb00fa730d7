"""Code of plugins: its exceptions become errors of one line, and Ctrl-C still interrupts."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from restorekit.components.isolation import attempt, watched_interrupts
from restorekit.errors import ArgumentError, PluginError
from restorekit.untrusted.text import quoted


class MuteError(Exception):
    """An exception whose message cannot be read."""

    def __str__(self) -> str:
        raise SystemExit(3)


class Hidden:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise KeyboardInterrupt


RAISED: dict[str, Callable[[], BaseException]] = {
    "RuntimeError: two lines": lambda: RuntimeError("two\nlines"),
    "SystemExit: 0": lambda: SystemExit(0),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": StopIteration,
    "BaseException: base": lambda: BaseException("base"),
    "BaseExceptionGroup: all (1 sub-exception)": lambda: BaseExceptionGroup(
        "all", [KeyboardInterrupt()]
    ),
    "ExceptionGroup: some (1 sub-exception)": lambda: ExceptionGroup("some", [ValueError()]),
    "MuteError: its message cannot be shown": MuteError,
}


class TestAttempt:
    @pytest.mark.parametrize("cause", RAISED)
    def test_whatever_is_raised_becomes_one_line(self, cause: str) -> None:
        """Also one not derived from `Exception`, and one that cannot be printed."""
        with pytest.raises(PluginError) as caught, attempt(lambda error: f"it raised {error}"):
            raise RAISED[cause]()
        assert str(caught.value) == f"it raised {cause}"
        assert caught.value.__cause__ is not None

    def test_some_kinds_pass(self) -> None:
        """Errors with a clear message of their own are passed on."""
        with pytest.raises(ArgumentError, match="itself"), attempt(str, ArgumentError):
            raise ArgumentError("itself")

    def test_the_kind_of_the_error_can_be_chosen(self) -> None:
        """For example if an argument is wrong."""
        with (
            pytest.raises(ArgumentError, match="KeyError: 'a'"),
            attempt(str, becomes=ArgumentError),
        ):
            raise KeyError("a")

    def test_nothing_raised_is_nothing_changed(self) -> None:
        """Also the handler of SIGINT is as before."""
        before = signal.getsignal(signal.SIGINT)
        with attempt(str):
            assert signal.getsignal(signal.SIGINT) is not before
        assert signal.getsignal(signal.SIGINT) is before

    def test_ctrl_c_interrupts(self) -> None:
        """A SIGINT in the block comes from the user, and is not turned into an error."""
        with pytest.raises(KeyboardInterrupt), attempt(str):
            os.kill(os.getpid(), signal.SIGINT)

    def test_a_handler_that_was_set_within_stays_seen(self) -> None:
        """The block removes only its own handler."""
        before = signal.getsignal(signal.SIGINT)
        try:
            with attempt(str):
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)

    def test_another_thread_is_never_interrupted(self) -> None:
        """Python interrupts only the main thread, so elsewhere code raised the exception."""
        caught: list[BaseException] = []

        def work() -> None:
            try:
                with attempt(str):
                    raise KeyboardInterrupt
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert [type(error) for error in caught] == [PluginError]


def test_interrupts_are_seen_through_other_handlers() -> None:
    """The previous handler is still called."""
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        with watched_interrupts() as interrupted:
            assert not interrupted()
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_what_cannot_be_shown_is_named_by_its_type() -> None:
    """A message can contain any object."""
    assert quoted(Hidden()) == "<Hidden that cannot be shown>"
    assert quoted([Hidden()]) == "<list that cannot be shown>"
