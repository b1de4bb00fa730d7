"""The command line in a process of its own, where limits and signals reach no other case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from restorekit.cli.main import main
from tests.fuzz.cases import Broken
from tests.fuzz.command import Said, check_text

STOPPED = (130, *(128 + s for s in (signal.SIGTERM, signal.SIGHUP)))


def forked(
    words: Sequence[object],
    prepare: Callable[[], None] = lambda: None,
    signalled: tuple[int, float] | None = None,
) -> Said:
    """Run the command line in a copy of this process.

    Args:
        words: those of the command line.
        prepare: called in the copy before them.
        signalled: a signal and after how many seconds the copy gets it.
    """
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        _run_and_exit([str(word) for word in words], prepare)
    os.close(sink)
    timer = threading.Timer(signalled[1], _kill, (pid, signalled[0])) if signalled else None
    if timer is not None:
        timer.start()
    with os.fdopen(source, "rb") as pipe:  # no file, which a limit would cut
        printed = pipe.read().decode("utf-8", "replace")
    if timer is not None:
        timer.cancel()
        timer.join()  # a process that was waited for may be another one by then
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Said(code, "", printed)


def spawned(words: Sequence[object], path: Path) -> Said:
    """Run the command line from its beginning, with a folder in front of Python's path."""
    paths = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "restorekit", *map(str, words)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=100,
        check=False,
    )
    out, err = (each.decode("utf-8", "replace") for each in (done.stdout, done.stderr))
    return Said(done.returncode, out, err)


def check_said(said: Said, codes: Sequence[int] = (0, 2)) -> None:
    """Fail at any other exit code, a traceback, or text that a terminal would act on."""
    if said.code not in codes:
        raise Broken(f"exit code {said.code}: {said.err[-700:]!r}")
    if "Traceback" in said.err:
        raise Broken(f"a traceback with exit code {said.code}: {said.err[-700:]!r}")
    if said.code == 2 and "error: " not in said.err:
        raise Broken(f"exit code 2 without an error: {said.err[-700:]!r}")
    check_text(said.out, longest=None)
    check_text(said.err)


def _run_and_exit(words: list[str], prepare: Callable[[], None]) -> None:
    code = 1
    try:
        prepare()
        code = main(words)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
