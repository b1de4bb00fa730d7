"""The command line and the library called as an attack does, with what must hold of each call."""

from __future__ import annotations

import io
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from restorekit.cli.main import main
from restorekit.errors import OldSpellingWarning, RestoreKitError
from tests.fuzz.cases import Broken

_LONGEST_LINE = 2000
_LIBRARIES = re.compile("tifffile|libpng|PNG warning|libjpeg|imagecodecs|torch", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """An exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def outcome(self) -> str:
        """The case's, where this call decides it."""
        return "done" if self.code == 0 else "refused"


def command(*words: object, codes: Sequence[int] = (0, 2)) -> Said:
    """Run the command line; fail at any exit code or output that it must not have."""
    given = [str(word) for word in words]
    with _streams() as (out, err):
        code = main(given)
    said = Said(code, _text(out), _text(err))
    if code not in codes:
        raise Broken(f"exit code {code}; {said.err[-500:]!r}")
    errors = [line for line in said.err.split("\n") if line.startswith("error: ")]
    if code == 2 and not errors:
        raise Broken(f"exit code 2 without an error; {said.err[-500:]!r}")
    if code == 0 and errors:
        raise Broken(f"exit code 0 in spite of {errors[0]!r}")
    check_text(said.out, longest=None)
    check_text(said.err)
    for line in said.err.split("\n"):
        told = line.startswith(("error: ", "warning: "))
        if "Traceback" in line or "Warning:" in line or (not told and _LIBRARIES.search(line)):
            raise Broken(f"stderr has {line!r}")
    return said


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The result of a call, or the `RestoreKitError` it raised; any other exception passes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **options)
        except RestoreKitError as error:
            result = error
    for warning in caught:
        # What decoders warn of is the caller's to silence: only the whole process could.
        if not issubclass(warning.category, (UserWarning, OldSpellingWarning)):
            raise Broken(f"{warning.category.__name__} passed on: {str(warning.message)[:300]!r}")
    return result


def check_text(text: str, longest: int | None = _LONGEST_LINE) -> None:
    """Fail at text that a terminal would act on, or that nobody can read."""
    bad = sorted(
        {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    )
    if bad:
        place = text.index(bad[0])
        raise Broken(f"not escaped: {bad!r:.80} in {text[max(place - 150, 0) : place + 50]!r}")
    if longest and len(line := max(text.split("\n"), key=len)) > longest:
        raise Broken(f"a line of {len(line):,} characters: {line[:200]!r}")


@contextmanager
def _streams() -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """New streams in place of Python's own, as those of a pipe."""
    kept = sys.stdout, sys.stderr
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="\n")
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = kept


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8", "replace")
