"""Temporary files of killed processes."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from restorekit.storage.atomic import atomic_path
from restorekit.storage.locks import close_lock, try_lock
from restorekit.storage.temporaries import remove_unfinished, sweep

WRITE = """
import os, sys, time
from restorekit.storage.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    time.sleep(60)
"""


def begin_to_write(path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is writing a file, and its temporary file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the process, so that it cannot clean up."""
    process.kill()
    process.communicate()


def test_the_next_write_removes_files_of_a_killed_process(tmp_path: Path) -> None:
    """After SIGKILL a file remains, which the next write into the folder removes."""
    process, left = begin_to_write(tmp_path / "a.png")
    kill(process)
    assert left.exists()
    code = (
        "import sys; from restorekit.storage.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]): 0"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True)
    assert os.listdir(tmp_path) == ["b"]


def test_files_of_a_running_process_stay(tmp_path: Path) -> None:
    """Its file is not removed while it runs."""
    process, unfinished = begin_to_write(tmp_path / "a.png")
    try:
        sweep(tmp_path)
        assert unfinished.exists()
    finally:
        kill(process)
    sweep(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_locked_stays(tmp_path: Path) -> None:
    """Its process may have any number, in another container."""
    process, left = begin_to_write(tmp_path / "a.png")
    kill(process)
    descriptor = os.open(left, os.O_RDWR)
    assert try_lock(descriptor)
    sweep(tmp_path)
    assert left.exists()
    close_lock(descriptor)
    sweep(tmp_path)
    assert not left.exists()


def test_files_of_this_process_stay(tmp_path: Path) -> None:
    """Another thread may write into the same folder."""
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("x")
        sweep(tmp_path)
        assert temporary.exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    """Similar names, files of other machines, links and folders."""
    process, left = begin_to_write(tmp_path / "a.png")
    kill(process)
    stem, host, number, token = left.stem.rsplit("-", 3)
    names = [
        f"{stem}-0000000z-{number}-{token}.png",  # another machine
        f"{stem}-{host}-{number}-{token}.png.bak",
        f"{stem}-{host}-{number}-{token}x.png",
        f"{stem[1:]}-{host}-{number}-{token}.png",  # not hidden
        ".a-unfinished-abcd1234.png",
        f"{stem}-{host}-1-{token}.png",  # of a process that runs
    ]
    for name in names:
        (tmp_path / name).write_text("mine")
    link = tmp_path / f"{stem}-{host}-{number}-00000000.png"
    link.symlink_to(names[0])
    folder = tmp_path / f"{stem}-{host}-{number}-00000001.png"
    folder.mkdir()
    sweep(tmp_path)
    assert not left.exists()
    assert sorted(os.listdir(tmp_path)) == sorted([*names, link.name, folder.name])


def test_without_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be known whether the process runs elsewhere; writing still works."""
    process, left = begin_to_write(tmp_path / "a.png")
    kill(process)

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with atomic_path(tmp_path / "b") as temporary:
        temporary.write_text("new")
    assert sorted(os.listdir(tmp_path)) == sorted(["b", left.name])


def test_an_ending_process_removes_its_files(tmp_path: Path) -> None:
    """The function is called by signal handlers; the block handles the missing file."""
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        remove_unfinished()
    assert os.listdir(tmp_path) == []


def test_a_forked_child_removes_nothing_and_holds_no_lock(tmp_path: Path) -> None:
    """The file belongs to the parent, and is stale after the parent has ended."""
    code = """
import os, sys, time
from restorekit.storage.atomic import atomic_path
from restorekit.storage.temporaries import remove_unfinished
with atomic_path(sys.argv[1]) as temporary:
    if os.fork() == 0:
        remove_unfinished()
        print(os.getpid(), temporary.exists(), flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child, exists = process.stdout.readline().split()
    process.kill()
    process.wait()
    sweep(tmp_path)
    os.kill(int(child), signal.SIGKILL)
    process.stdout.close()
    assert (exists, os.listdir(tmp_path)) == ("True", [])
