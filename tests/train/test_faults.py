"""A run under system errors: full disks, a second run, killed data workers."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from restorekit import DataError, Trainer, load_model
from restorekit.errors import ArgumentError, RestoreWarning
from restorekit.train.checkpoint import read_state, save_state
from restorekit.train.folder_lock import NAME, lock_folder
from restorekit.train.history import History

Make = Callable[..., Trainer]

HOLD = """
import sys, time
from pathlib import Path
from restorekit.train.folder_lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limits the size of files in the block; Python ignores the signal and gets EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 1000, 100_000, 399_000])
def test_a_state_that_does_not_fit_keeps_the_last(tmp_path: Path, size: int) -> None:
    """torch alone may abort, or write a part without an error."""
    state = {"step": 1, "model": {"w": torch.rand(100_000)}}
    save_state(tmp_path, state)
    with largest_file(size), pytest.raises(OSError, match="File too large") as caught:
        save_state(tmp_path, {**state, "step": 2})
    assert caught.value.errno == errno.EFBIG
    assert read_state(tmp_path / "training_state.pt")["step"] == 1
    assert os.listdir(tmp_path) == ["training_state.pt"]


def test_a_record_is_added_completely_or_not_at_all(tmp_path: Path) -> None:
    """A partial line would merge with the next one."""
    history = History(tmp_path)
    history.add("train", 1, {"loss": 0.5})
    with largest_file(history.path.stat().st_size + 5), pytest.raises(OSError, match="too large"):
        history.add("train", 2, {"loss": 0.5})
    history.add("train", 3, {"loss": 0.5})
    steps = [json.loads(line)["step"] for line in history.path.read_text().splitlines()]
    assert steps == [1, 3]


def test_a_run_whose_pictures_cannot_be_drawn_continues(
    tiny: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example if matplotlib finds no font: there is a warning, and the weights are saved."""

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("Failed to find font DejaVu Sans,\nand there is no other")

    monkeypatch.setattr(Figure, "savefig", fails)
    lines = r"step \d+: cannot draw '.*loss_map\.png': Failed to find font DejaVu Sans, and there"
    with pytest.warns(RestoreWarning, match=lines):
        outcome = tiny(steps=2).fit()
    assert {path.stem for path in outcome.folder.glob("*.safetensors")} == {"best", "last"}
    assert not list(outcome.folder.glob("*loss_map*"))


def test_a_run_that_fills_the_disk_can_resume(tiny: Make) -> None:
    """The error names a file; with free space the run ends as if uninterrupted."""
    folder = tiny().fit().folder
    step = read_state(folder / "training_state.pt")["step"]
    with largest_file(3000), pytest.raises(OSError, match="File too large") as caught:
        tiny(steps=8).fit(resume=True)
    assert Path(caught.value.filename).parent == folder
    assert read_state(folder / "training_state.pt")["step"] == step
    assert not any("unfinished" in name for name in os.listdir(folder))
    assert tiny(steps=8).fit(resume=True).step == 8


def test_a_second_run_in_the_folder_is_refused(tiny: Make) -> None:
    """Before it changes anything of the first."""
    folder = tiny().fit().folder
    before = sorted(os.listdir(folder))
    with lock_folder(folder), pytest.raises(ArgumentError, match=f"process {os.getpid()} "):
        tiny().fit()
    assert sorted(os.listdir(folder)) == before
    load_model(folder)


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    """Also if it is killed; the next run reuses the file, and removes it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(ArgumentError, match="another training"), lock_folder(tmp_path):
        pass
    process.kill()
    process.communicate()
    assert os.listdir(tmp_path) == [NAME]
    with lock_folder(tmp_path):
        assert os.listdir(tmp_path) == [NAME]
    assert os.listdir(tmp_path) == []


def test_a_disk_without_locks_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training continues without a lock."""
    import fcntl

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(RestoreWarning, match="no file locks"), lock_folder(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


# torch opens some files to find out why the worker died, and leaves closing them to Python.
@pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedRandom:ResourceWarning")
def test_a_data_worker_that_is_killed(tiny: Make) -> None:
    """As by the system when memory runs out: the message is one line, and the lock is free."""
    trainer = tiny(num_workers=1, steps=10**6)
    original = trainer.step

    def step(number: int, images: Any) -> Any:
        if number == 2:
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGKILL)
        return original(number, images)

    trainer.step = step  # type: ignore[method-assign]
    with pytest.raises(DataError, match="num_workers 0"):
        trainer.fit()
    assert NAME not in os.listdir(trainer.folder)


@pytest.mark.parametrize(
    ("owner", "place"), [(torch.Tensor, "share_memory_"), (multiprocessing, "Lock")]
)
def test_no_shared_memory(
    tiny: Make, monkeypatch: pytest.MonkeyPatch, owner: Any, place: str
) -> None:
    """A small /dev/shm, as in containers, is reported in one line, and the run ends."""

    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(owner, place, refuse)
    with pytest.raises(DataError, match=r"no shared memory .*No space left.*num_workers 0"):
        tiny(num_workers=1).fit()
