"""Stopping a run with a saved state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restorekit import Trainer, load_model
from restorekit.train.checkpoint import read_state
from restorekit.train.interruption import TIME_IS_UP, Interruption, exit_code

Make = Callable[..., Trainer]

RUN = """
import sys, torch
from restorekit import Trainer
print("ready", flush=True)
outcome = Trainer(
    model={"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False}, noise="gaussian",
    dataset=list(torch.rand(8, 3, 32, 32)), save_weight_path=sys.argv[1], device="cpu",
    precision="float32", steps=10**6, batch_size=4, validate_every=10**6, log_every=1,
).fit()
sys.exit(outcome.exit_code)
"""


def signal_after(trainer: Trainer, step: int, number: int) -> None:
    """Send this process a signal during a step."""
    original = trainer.step

    def signalled(at: int, images: Tensor) -> dict[str, Tensor]:
        if at == step:
            os.kill(os.getpid(), number)
        return original(at, images)

    trainer.step = signalled  # type: ignore[method-assign]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_finishes_the_step_and_saves(
    tiny: Make, tmp_path: Path, number: int, code: int
) -> None:
    """The run stops after the current step, and resumes to exactly the same end."""
    whole = tiny(save_weight_path=tmp_path / "whole", log_every=4).fit()
    trainer = tiny(log_every=4)
    signal_after(trainer, 2, number)
    stopped = trainer.fit()
    assert (stopped.step, stopped.exit_code) == (2, code)
    assert read_state(stopped.folder / "training_state.pt")["step"] == 2

    resumed = tiny(log_every=4).fit(resume=True)
    assert (resumed.step, resumed.exit_code) == (6, 0)
    expected, found = (load_model(o.folder / "last.safetensors") for o in (whole, resumed))
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor)
    assert resumed.best == whole.best


def test_handlers_are_restored(tiny: Make) -> None:
    """Training in another program does not change its signal handling."""
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    tiny().fit()
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_time_limit_saves_and_stops(tiny: Make) -> None:
    """The exit code is 0, and the run can be resumed."""
    stopped = tiny(max_minutes=1e-6).fit()
    assert (stopped.step, stopped.exit_code) == (1, 0)
    assert tiny().fit(resume=True).step == 6


def test_training_works_outside_the_main_thread(tiny: Make) -> None:
    """No handler can be set there, and the run works without one."""
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(tiny().fit()))
    thread.start()
    thread.join()
    assert outcomes[0].step == 6


def test_reasons_and_exit_codes() -> None:
    """The time limit is not a failure; signals have the exit codes that shells use."""
    with Interruption(None) as interruption:
        assert interruption.reason == 0
        signal.raise_signal(signal.SIGTERM)
        assert interruption.reason == 143
    assert Interruption(1e-9).reason == TIME_IS_UP
    assert (exit_code(0), exit_code(TIME_IS_UP), exit_code(143)) == (0, 0, 143)


def test_a_process_stops_at_the_first_signal_and_at_once_at_the_second(tmp_path: Path) -> None:
    """After one SIGTERM the exit code is 143 and everything is saved."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_for(tmp_path / "metrics.jsonl", lambda text: text.count("\n") > 3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert read_state(tmp_path / "training_state.pt")["step"] > 3


def wait_for(path: Path, ready: Callable[[str], bool]) -> None:
    """Wait for a file with a content, at most a minute."""
    for _ in range(600):
        if path.is_file() and ready(path.read_text()):
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} did not come")
