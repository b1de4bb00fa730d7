"""The command line under system errors: signals, full disks, closed streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

FULL = "error: standard output: no space left on device\n"
COMMAND = [sys.executable, "-m", "restorekit"]


def in_shell(line: str, *words: object) -> subprocess.CompletedProcess[str]:
    """The command line with redirections."""
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", ["list models", "list losses --json", "--help"])
def test_full_standard_output_is_one_line(words: str) -> None:
    """The exit code is that of an error, and Python prints nothing more when it exits."""
    done = in_shell(f"$1 -m restorekit {words} > /dev/full")
    assert (done.returncode, done.stderr) == (2, FULL)


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-", "2> /dev/full > /dev/full"])
def test_a_closed_stderr_changes_nothing(redirection: str) -> None:
    """Neither the exit code nor where results go depends on standard error."""
    done = in_shell(f"$1 -m restorekit describe nothing {redirection}")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    done = in_shell("$1 -m restorekit list losses 2> /dev/full")
    assert done.returncode == 0
    assert "l1" in done.stdout


@pytest.mark.parametrize("redirection", [">&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, redirection: str) -> None:
    """The pictures are restored, and no file gets the descriptor of a stream."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    done = in_shell(
        f"$1 -m restorekit noise $2/a.tif -n gaussian -o $2/b.tif {redirection}", tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert tifffile.imread(tmp_path / "b.tif").shape == (8, 8)


def adding_noise(folder: Path, **options: Any) -> subprocess.Popen[str]:
    """A process that is writing many pages to a file that exists already."""
    pages = np.zeros((2000, 64, 64), np.uint8)
    tifffile.imwrite(folder / "in.tif", pages, photometric="minisblack", metadata=None)
    (folder / "out.tif").write_text("earlier")
    words = ["noise", str(folder / "in.tif"), "-n", "gaussian", "-o", str(folder / "out.tif")]
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    for _ in range(1200):
        if any("unfinished" in name for name in os.listdir(folder)):
            return process
        time.sleep(0.05)
    raise AssertionError(f"no temporary file came: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    """There is neither a temporary file nor a partial result, and the earlier file is intact."""
    # The tests themselves may run under nohup, and a signal that is ignored stays so.
    process = adding_noise(tmp_path, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err == f"error: stopped by {signal.Signals(number).name}\n"
    assert sorted(os.listdir(tmp_path)) == ["in.tif", "out.tif"]
    assert (tmp_path / "out.tif").read_text() == "earlier"


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """As under nohup, where the work continues after the terminal is closed."""
    process = adding_noise(
        tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["in.tif", "out.tif"]


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """A limit on the size of files gives one line, and the earlier result is intact."""
    rng = np.random.default_rng(0)
    tifffile.imwrite(tmp_path / "in.tif", rng.integers(0, 255, (256, 256), np.uint8))
    (tmp_path / "out.tif").write_text("earlier")
    done = in_shell(
        "ulimit -f 16; $1 -m restorekit noise $2/in.tif -n gaussian -o $2/out.tif", tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.endswith(f"cannot write '{tmp_path / 'out.tif'}': File too large\n")
    assert sorted(os.listdir(tmp_path)) == ["in.tif", "out.tif"]
    assert (tmp_path / "out.tif").read_text() == "earlier"
