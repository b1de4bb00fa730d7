"""Attacks that do what none may: with them, the harness itself is tested."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from restorekit.errors import InputError
from tests.fuzz.command import call, check_text

_kept: list[Any] = []


def attack(random: Random, home: Path) -> str:
    """The way that the first number drawn for the case decides; see `WAYS`."""
    WAYS[random.choice(list(WAYS))](home)
    return "done"


def seed_of(way: str) -> int:
    """A seed whose case goes that way."""
    return next(s for s in range(10_000) if Random(f"faulty:{s}").choice(list(WAYS)) == way)


def _raise(home: Path) -> None:
    raise IndexError("list index out of range")


def _exit(home: Path) -> None:
    sys.exit(0)


def _interrupt(home: Path) -> None:
    raise KeyboardInterrupt


def _leave(home: Path) -> None:
    (home / ".a-unfinished-x.png").touch()


def _open(home: Path) -> None:
    _kept.append((home / "a").open("w"))


def _write(home: Path) -> None:
    os.write(2, b"libpng warning: something\n")


def _print(home: Path) -> None:
    print("something")


def _warn(home: Path) -> None:
    call(warnings.warn, "overflow", RuntimeWarning, stacklevel=1)


def _escape(home: Path) -> None:
    check_text("error: red\x1b[31m")


def _filter(home: Path) -> None:
    warnings.simplefilter("ignore")


def _move(home: Path) -> None:
    os.chdir(home)


def _fill(home: Path) -> None:
    np.ones(700 << 20, np.uint8)


def _hang(home: Path) -> None:
    while True:
        pass


def _sleep(home: Path) -> None:
    time.sleep(1000)


def _abort(home: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _refuse(home: Path) -> None:
    call(_refused)


def _refused() -> None:
    raise InputError("refused")


WAYS: dict[str, Callable[[Path], None]] = {
    "raise": _raise,
    "exit": _exit,
    "interrupt": _interrupt,
    "leave": _leave,
    "open": _open,
    "write": _write,
    "print": _print,
    "warn": _warn,
    "escape": _escape,
    "filter": _filter,
    "move": _move,
    "fill": _fill,
    "hang": _hang,
    "sleep": _sleep,
    "abort": _abort,
    "refuse": _refuse,
}
