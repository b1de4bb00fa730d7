"""Faults during work: a full disk, too few open files, system calls that fail, signals."""

from __future__ import annotations

import builtins
import errno
import json
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from restorekit import load_model
from tests.fuzz.cases import Broken
from tests.fuzz.command import call
from tests.fuzz.corpus import corpus
from tests.fuzz.kinds.pictures import readable
from tests.fuzz.processes import STOPPED, check_said, forked

_ERRORS: tuple[int, ...] = (
    errno.ENOSPC,
    errno.EIO,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
)
_ERRORS += (errno.EINVAL, errno.EMFILE, errno.ENOMEM, errno.ENAMETOOLONG)
# Not unlink: where nothing can be removed, something is left.
_CALLS = (
    "replace",
    "fsync",
    "open",
    "chmod",
    "fchmod",
    "mkdir",
    "scandir",
    "link",
    "builtins.open",
)
_PICTURES = ("png-2-8.png", "tiff-strips.tif", "jpeg-exif.jpg")
_CONFIG = {
    "model": {"name": "dncnn", "depth": 2, "width": 4},
    "dataset": {"name": "folder", "path": "in", "patch_size": 8},
    "device": "cpu",
    "save_weight_path": "run",
    "train": {"steps": 3, "batch_size": 1, "validate_every": 1, "log_every": 1},
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong: what is done to the process before, or a signal and when it comes."""

    prepare: Callable[[], None] = lambda: None
    signalled: tuple[int, float] | None = None


def attack(random: Random, home: Path) -> str:
    """One command with one fault; what is there afterwards is whole, and the next run works."""
    folder = home / "in"
    folder.mkdir()
    originals = {folder / name: corpus()[name] for name in _PICTURES}
    for path, content in originals.items():
        path.write_bytes(content)
    (home / "config.json").write_text(json.dumps(_CONFIG))
    words, in_place = _command(random, folder)
    kept = os.getcwd()
    os.chdir(home)
    try:
        fault = _fault(random, home)
        said = forked(words, fault.prepare, fault.signalled)
        killed = fault.signalled is not None and said.code == -signal.SIGKILL
        check_said(said, (0, 2, 3, *STOPPED, *([said.code] if killed else [])))
        _check_whole(home, originals, in_place)
        if not killed:
            _check_clean(home)
        _check_again(words, home, originals, in_place)
    finally:
        os.chdir(kept)
    return "done" if said.code == 0 else "refused"


def _command(random: Random, folder: Path) -> tuple[list[str], bool]:
    """The words of a command, and whether it may change its inputs."""
    one = str(folder / random.choice(_PICTURES))
    ways: dict[str, list[str]] = {
        "one": ["denoise", "-m", "median", one, "-o", f"out/b{Path(one).suffix}"],
        "folder": ["denoise", "-m", "median", str(folder), "-o", "out/"],
        "report": ["denoise", "-m", "median", one, "-o", "out/b.tif", "--report", "out/r.html"],
        "in place": ["denoise", "-m", "median", "--in-place", str(folder)],
        "noise": ["noise", "-n", "gaussian", "-s", "std=0.1", str(folder), "-o", "out/"],
        "benchmark": ["benchmark", "median", "--data", str(folder), "--noise", "gaussian:25"],
        "train": ["train", "config.json"],
    }
    ways["benchmark"] += ["--json", "out.json", "--markdown", "out.md"]
    way = random.choice([*ways, "train", "folder"])
    return ways[way], way == "in place"


def _fault(random: Random, home: Path) -> Fault:
    how = random.randrange(4)
    if how == 0:
        size = random.choice([0, 1, 100, 1000, 4096, 20_000])
        return Fault(lambda: _limit(resource.RLIMIT_FSIZE, size))
    if how == 1:
        more = random.randrange(12)
        return Fault(
            lambda: _limit(resource.RLIMIT_NOFILE, len(os.listdir("/proc/self/fd")) + more)
        )
    if how == 2:
        number = random.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
        return Fault(signalled=(number, random.random() ** 2 * 0.6))
    name, code = random.choice(_CALLS), random.choice(_ERRORS)
    first, count = random.randrange(6), random.choice([1, 10**9])
    return Fault(lambda: _failing(name, code, first, count, str(home)))


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


def _failing(name: str, code: int, first: int, count: int, home: str) -> None:
    """Have a system call fail from its `first` on for so many times, where it concerns a folder."""
    module, attribute = (builtins, "open") if name == "builtins.open" else (os, name)
    real = getattr(module, attribute)
    calls = iter(range(10**9))

    def fails(target: Any, *arguments: Any, **options: Any) -> Any:
        if _is_below(target, home) and first <= next(calls) < first + count:
            raise OSError(code, os.strerror(code), target if isinstance(target, str) else None)
        return real(target, *arguments, **options)

    setattr(module, attribute, fails)


def _is_below(target: Any, home: str) -> bool:
    try:
        path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else target
        return os.path.abspath(os.fspath(path)).startswith(home)
    except (OSError, TypeError):
        return False


def _check_whole(home: Path, originals: dict[Path, bytes], in_place: bool) -> None:
    """Inputs are as they were or replaced by a whole result; outputs are whole."""
    for path, content in originals.items():
        if not path.exists():
            raise Broken(f"the input {path.name} is gone")
        if path.read_bytes() != content:
            if not in_place:
                raise Broken(f"the input {path.name} was changed")
            readable(path)
    for path in (home / "out").rglob("[!.]*"):
        if path.suffix == ".html":
            if not path.read_text().rstrip().endswith("</html>"):
                raise Broken(f"{path.name} is not whole")
        elif path.is_file():
            readable(path)
    for name in ("out.json", "run/config.json"):
        if (home / name).exists():
            json.loads((home / name).read_text())
    for weights in (home / "run").glob("*.safetensors"):
        if isinstance(error := call(load_model, weights), Exception):
            raise Broken(f"{weights.name} is not whole: {error}")


def _check_clean(home: Path) -> None:
    left = [path.name for path in home.rglob("*") if "unfinished" in path.name]
    if left:
        raise Broken(f"left behind: {left}")


def _check_again(
    words: list[str], home: Path, originals: dict[Path, bytes], in_place: bool
) -> None:
    """The same command without a fault works, and sweeps what a kill has left."""
    resumes = words[0] == "train" and (home / "run" / "training_state.pt").exists()
    said = forked([*words, *(["--resume"] if resumes else [])])
    check_said(said, (0,))
    _check_whole(home, originals, in_place)
    _check_clean(home)
