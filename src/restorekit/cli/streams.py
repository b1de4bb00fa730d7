"""Standard output and standard error that can always be written to, even if they are closed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from traceback import walk_stack
from typing import NoReturn, TextIO, cast

from restorekit.untrusted.text import escaped


@contextmanager
def dependable_streams() -> Iterator[None]:
    """Within the block, neither stream is None, and a failure is reported once or not at all.

    What cannot be written to standard error is lost, for the work is worth more than the messages.
    What cannot be written to standard output is an `OSError` that names it.
    """
    _fill_descriptors()
    with ExitStack() as stack:
        out, err = (
            stack.enter_context(open(os.devnull, "w")) if stream is None else stream
            for stream in (sys.stdout, sys.stderr)
        )
        if isinstance(out, io.TextIOWrapper):  # its encoding may lack characters of file names
            out.reconfigure(errors="backslashreplace")
        stack.enter_context(redirect_stdout(cast(TextIO, _Output(out))))
        stack.enter_context(redirect_stderr(cast(TextIO, _Stream(err))))
        yield


_answers: list[TextIO] = []  # the real standard output, while it is redirected


def answers() -> TextIO:
    """Where a command prints what it was asked for."""
    return _answers[-1] if _answers else sys.stdout


@contextmanager
def answers_apart() -> Iterator[None]:
    """Within the block, output of other code to standard output goes to standard error.

    A plugin that prints, from Python or from native code, would else break what a command prints
    as JSON.
    """
    with ExitStack() as stack:
        _answers.append(stack.enter_context(_own_descriptor(sys.stdout)))
        stack.callback(_answers.pop)
        stack.enter_context(redirect_stdout(cast(TextIO, _Aside(sys.stderr))))
        yield


def end_at_once(code: int) -> NoReturn:
    """Write what was printed, and end the process without shutting the interpreter down."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader has gone, or it is closed
            stream.flush()
    os._exit(code)


def set_output_aside() -> None:
    """Redirect output at the end of the process, which is not part of the answer, to stderr."""
    sys.stdout = sys.stderr
    with suppress(OSError):
        os.dup2(2, 1)


@contextmanager
def _own_descriptor(stream: TextIO) -> Iterator[TextIO]:
    """The stream under another descriptor, while its own, where it is 1, leads to stderr."""
    try:
        is_standard = stream.fileno() == 1
    except (OSError, ValueError):  # not a file of the operating system
        is_standard = False
    if not is_standard:
        yield stream
        return
    stream.flush()
    descriptor = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(
            descriptor, "w", encoding=stream.encoding, errors=stream.errors, closefd=False
        ) as own:
            yield cast(TextIO, _Output(own))
    finally:
        os.dup2(descriptor, 1)
        os.close(descriptor)


class _Stream:
    """A stream that is given up at its first failure: what follows is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Nothing: others write to it, too."""

    def _give_up(self, error: OSError) -> None:
        # Python flushes again when it exits, and would fail again.
        with suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


class _Output(_Stream):
    """A stream whose failure is an error, at each flush again, for the first may be swallowed."""

    _error: OSError | None = None

    def flush(self) -> None:
        super().flush()
        if self._error is not None:
            raise self._error

    def _give_up(self, error: OSError) -> None:
        super()._give_up(error)
        error.filename = "standard output"
        self._error = error
        raise error


class _Aside(_Stream):
    """Standard error in place of standard output; warns once about each plugin that prints."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._told: set[str] = set()

    def write(self, text: str) -> int:
        from restorekit.components.plugin_host import plugin_in_traceback

        if (
            who := plugin_in_traceback(frame for frame, _ in walk_stack(None))
        ) and who not in self._told:
            self._told.add(who)
            super().write(f"warning: {escaped(who)} prints; this goes to standard error:\n")
        return super().write(text)


def _fill_descriptors() -> None:
    """Have the first three descriptors open, or a file of ours would take the place of one."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, that of the stream
