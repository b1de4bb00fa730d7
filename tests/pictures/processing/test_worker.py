"""Sharing of files among processes, and the exchange at the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from restorekit.errors import ArgumentError
from restorekit.pictures.processing.worker import Worker


def test_share_comes_from_the_environment() -> None:
    """torchrun's variables are read, invalid ones are refused, and one process does not wait."""
    assert Worker.of_environment({}) == Worker()
    told = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    worker = Worker.of_environment(told)
    assert (worker.rank, worker.world, worker.can_gather) == (1, 2, True)
    assert Worker.of_environment({"RANK": "1", "WORLD_SIZE": "2"}).gather("mine") == ["mine"]
    for rank, world in (("2", "2"), ("x", "2"), ("-1", "2")):
        with pytest.raises(ArgumentError, match=f"RANK={rank}"):
            Worker.of_environment({"RANK": rank, "WORLD_SIZE": world})


def test_each_process_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its local rank, if there are GPUs and no device was named."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    worker = Worker.of_environment({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "3"})
    devices = [worker.device(name) for name in ("auto", "cuda", "cpu")]
    assert devices == ["cuda:1", "cuda:1", "cpu"]
    assert Worker().device("auto") == "auto"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert worker.device("auto") == "auto"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_processes_gather_what_each_has(tmp_path: Path) -> None:
    """Each of two processes receives both values, even if one is slower."""
    code = (
        "import sys, time; from restorekit.pictures.processing.worker import Worker; "
        "s = Worker.of_environment(); "
        "time.sleep(s.rank); print(s.gather(f'from {s.rank}'))"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**common, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in running:
        printed = process.communicate(timeout=120)[0].splitlines()
        assert printed[-1] == "['from 0', 'from 1']"  # torch 2.10 prints a line before it
