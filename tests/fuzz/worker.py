"""The process that runs cases: one line with a case in, one line with its verdict out."""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

from tests.fuzz.cases import Attack, Broken, Case, Verdict
from tests.fuzz.watch import (
    MEMORY,
    descriptors_silent,
    is_state,
    memory_bounded,
    no_leftovers,
    process_state,
    state_unchanged,
)

_ROOM = 4 << 30  # bytes of addresses that a case may take on top of what is loaded
READY = "ready\n"


def attack_of(kind: str) -> Attack:
    """The attack of a kind."""
    attack: Attack = importlib.import_module(f"tests.fuzz.kinds.{kind}").attack
    return attack


def judge(case: Case, attack: Attack, keep: Path | None = None, memory: int = MEMORY) -> Verdict:
    """Run a case in a folder of its own, and say what came of it."""
    peak: list[int] = []
    outcome, detail = "failed", ""
    before = set(os.listdir(tempfile.gettempdir()))
    home = Path(tempfile.mkdtemp(prefix="fuzz-"))
    started = time.perf_counter()
    try:
        with memory_bounded(peak, memory), descriptors_silent(), state_unchanged():
            outcome = attack(case.random(), home)
        no_leftovers(home)
    except Broken as broken:
        outcome, detail = "failed", str(broken)
    except BaseException as error:
        outcome, detail = "failed", _where(error)
    seconds = time.perf_counter() - started
    if outcome == "failed" and keep is not None:
        shutil.copytree(home, keep / str(case).replace(":", "-"), dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(home, ignore_errors=True)
    if left := set(os.listdir(tempfile.gettempdir())) - before:
        outcome, detail = "failed", f"left in the temporary folder: {sorted(left)}; {detail}"
    return Verdict(str(case), outcome, detail, round(seconds, 3), peak[-1] if peak else 0)


def main(memory: str, keep: str = "") -> None:
    """Judge the cases on stdin until it ends.

    Args:
        memory: mebibytes that a case may take.
        keep: a folder for the files of those that fail.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what is printed by mistake must not pass for an answer
    trace = os.dup(2)  # which stays what it is while a case runs
    faulthandler.enable(trace)
    faulthandler.register(signal.SIGUSR1, trace)
    import restorekit.cli.main
    import restorekit.restore.denoiser  # noqa: F401  (torch is loaded before the clock runs)

    importlib.import_module("sympy")  # torch loads it late; it adds a filter for its own warnings

    _limit_addresses()
    answers.write(READY)
    answers.flush()
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # as a host program may
    state = process_state()
    for line in sys.stdin:
        case = Case.parse(line.strip())
        verdict = judge(case, attack_of(case.kind), Path(keep) if keep else None, int(memory))
        verdict = replace(verdict, last=verdict.outcome == "failed" and not is_state(state))
        answers.write(verdict.to_line())
        answers.flush()


def _limit_addresses() -> None:
    """Have an allocation of many gigabytes fail here, before it brings the machine down."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        now = int(pages.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (now + _ROOM, hard))


def _where(error: BaseException) -> str:
    """The exception and the innermost lines that led to it."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    text = " ".join(f"{type(error).__name__}: {error}".split())[:400]
    return f"{text} [{places}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
