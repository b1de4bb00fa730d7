"""The environment variables of torchrun: valid values, and malformed ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch

from restorekit import RestoreKitError
from restorekit.distributed import Launch
from restorekit.errors import ArgumentError
from restorekit.train.processes import Processes

WHOLE = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}


def test_a_whole_environment() -> None:
    """All variables are read; without any there is one process."""
    assert Launch.of_environment(WHOLE) == Launch(1, 2, 1, by_launcher=True, can_meet=True)
    assert Launch.of_environment({"LOCAL_RANK": "x"}) == Launch()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"WORLD_SIZE": None}, "WORLD_SIZE is not set"),
        ({"RANK": None}, "RANK is not set"),
        ({"RANK": "one"}, "RANK=one is not a number"),
        ({"RANK": "-1"}, "RANK=-1 is not a number"),
        ({"RANK": "²"}, "RANK=² is not a number"),
        ({"RANK": ""}, "RANK= is not a number"),
        ({"WORLD_SIZE": "9" * 5000}, "is not a number"),
        ({"RANK": "2"}, "RANK=2 is not below WORLD_SIZE=2"),
        ({"WORLD_SIZE": "0", "RANK": "0"}, "not below"),
        ({"LOCAL_RANK": "x"}, "LOCAL_RANK=x"),
        ({"MASTER_PORT": None}, "MASTER_PORT is not set"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT=http"),
        ({"MASTER_PORT": "70000"}, "MASTER_PORT=70000 is not a port"),
    ],
)
def test_an_incomplete_environment(change: dict[str, str | None], message: str) -> None:
    """The message names the wrong variable."""
    given = {name: value for name, value in {**WHOLE, **change}.items() if value is not None}
    with pytest.raises(ArgumentError, match=message):
        Launch.of_environment(given)


def test_processes_that_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several processes need an address to communicate; one process does not."""
    for name in WHOLE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ArgumentError, match="MASTER_ADDR is not set"):
        Processes.join(torch.device("cpu"))
    monkeypatch.setenv("WORLD_SIZE", "1")
    alone = Processes.join(torch.device("cpu"))
    assert alone == Processes(Launch(0, 1, by_launcher=True), torch.device("cpu"))
    assert not alone.is_group
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr(torch.distributed, "init_process_group", refuse)
    with pytest.raises(RestoreKitError, match="cannot meet at localhost:1: in use"):
        Processes.join(torch.device("cpu"))


def refuse(*arguments: object, **options: object) -> None:
    raise RuntimeError("in use\n  and a page of stack")


def test_the_command_line_reports_it_in_one_line() -> None:
    """Also for a command that uses torch."""
    environment = {**os.environ, "RANK": "3", "WORLD_SIZE": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "restorekit", "noise", "x.png", "-n", "gaussian", "-o", "y.png"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


ENDING = """
import atexit, os, sys
from restorekit.cli.streams import end_at_once
from restorekit.distributed import Launch, has_joined_group

atexit.register(os._exit, 99)  # in place of a thread that aborts while the interpreter shuts down
if sys.argv[1] == "joined":
    os.environ.update(RANK="0", WORLD_SIZE="1", MASTER_ADDR="localhost", MASTER_PORT=sys.argv[2])
    Launch.of_environment().join("gloo")
print("finished")
if has_joined_group():
    end_at_once(3)
print("shutting down", flush=True)
"""


def ended(*arguments: str) -> tuple[int, list[str]]:
    """The exit code of a process that joined a group or stayed alone, and its lines."""
    command = [sys.executable, "-c", ENDING, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split("\n")[:-1]


def test_a_process_of_a_group_ends_without_shutting_down() -> None:
    """Its output is complete, and nothing runs after it that could change the exit code."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    code, lines = ended("joined", port)
    assert (code, lines[-1]) == (3, "finished")  # torch 2.10 prints that it is connected
    assert ended("alone") == (99, ["finished", "shutting down"])
