"""Standard output and standard error that can be written to, whatever the shell made of them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast


@contextmanager
def dependable_streams() -> Iterator[None]:
    """Within the block, neither stream is None, and a failure is told once or not at all.

    What cannot be written to standard error is lost, for the work is worth more than the messages.
    What cannot be written to standard output is an `OSError` that names it.
    """
    _fill_descriptors()
    with ExitStack() as stack:
        out, err = (
            stack.enter_context(open(os.devnull, "w")) if stream is None else stream
            for stream in (sys.stdout, sys.stderr)
        )
        if isinstance(out, io.TextIOWrapper):  # a file's name may have no form in its encoding
            out.reconfigure(errors="backslashreplace")
        stack.enter_context(redirect_stdout(cast(TextIO, _Output(out))))
        stack.enter_context(redirect_stderr(cast(TextIO, _Stream(err))))
        yield


class _Stream:
    """A stream that is given up at its first failure: what follows is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
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

    def _give_up(self, error: OSError) -> None:
        # Python flushes once more at its end, and would fail again.
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


def _fill_descriptors() -> None:
    """Have the first three descriptors open, or a file of ours would take the place of one."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
