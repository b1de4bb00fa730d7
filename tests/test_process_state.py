"""The library does not change the process-wide state, and prints nothing."""

from __future__ import annotations

import ast
import locale
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import restorekit

ROOT = Path(restorekit.__file__).parent


def umask() -> int:
    """It can only be read by setting it."""
    os.umask(found := os.umask(0))
    return found


def process_state() -> dict[str, Any]:
    """The state of the whole process, which a library must not change."""
    loggers = [logging.root, *map(logging.getLogger, sorted(logging.root.manager.loggerDict))]
    return {
        "umask": umask(),
        "working directory": Path.cwd(),
        "environment": dict(os.environ),
        "Pillow's limit": Image.MAX_IMAGE_PIXELS,
        "logging": (logging.root.manager.disable, logging.lastResort, logging.raiseExceptions),
        "loggers": {
            log.name: (log.level, log.disabled, log.propagate, tuple(log.handlers), log.filters)
            for log in loggers
        },
        "warning filters": list(warnings.filters),
        "how warnings are shown": warnings.showwarning,
        "signal handlers": {n: signal.getsignal(n) for n in sorted(signal.valid_signals())},
        "exception hook": sys.excepthook,
        "recursion limit": sys.getrecursionlimit(),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "import path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "numpy's errors": np.geterr(),
        "numpy's random state": repr(np.random.get_state()),
        "torch's random state": torch.get_rng_state().numpy().tobytes(),
        "torch": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_float32_matmul_precision(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.allow_tf32,
            torch.multiprocessing.get_sharing_strategy(),
        ),
    }


def restore(folder: Path) -> None:
    """A picture file through the bundled network."""
    noise = np.random.default_rng(0).normal(128, 30, (80, 80, 3)).clip(0, 255)
    Image.fromarray(noise.astype(np.uint8)).save(folder / "noisy.png")
    restorekit.denoise(folder / "noisy.png").save(folder / "restored.png")


def train(folder: Path) -> None:
    """Two steps of a tiny network, with its validation."""
    restorekit.Trainer(
        model={"name": "dncnn", "depth": 2, "width": 4},
        noise="gaussian",
        dataset=[torch.full((3, 16, 16), value / 10) for value in range(8)],
        device="cpu",
        save_weight_path=folder / "run",
        steps=2,
        batch_size=2,
    ).fit()


@pytest.mark.parametrize("use", [restore, train])
def test_the_process_is_left_as_it_was(
    use: Callable[[Path], None], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """After a restoration and after a training, which print nothing."""
    use(tmp_path)  # modules that are imported late may add loggers of their own
    capfd.readouterr()
    before = process_state()
    use(tmp_path)
    after = process_state()
    assert {key: after[key] for key in before if after[key] != before[key]} == {}
    assert capfd.readouterr() == ("", "")


def test_only_the_command_line_prints() -> None:
    """No module outside of `cli` calls print or writes to a standard stream.

    Except for the bar that `progress=True` asks for.
    """
    found = []
    for path in ROOT.rglob("*.py"):
        if path.parent.name == "cli" or path.name in ("__main__.py", "progress_bar.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
            if name in ("print", "stdout", "stderr"):
                found.append(f"{path.relative_to(ROOT)}: {name}")
    assert found == []
