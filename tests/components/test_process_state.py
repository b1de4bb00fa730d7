"""The state of the process: every change by a block is undone and reported."""

from __future__ import annotations

import builtins
import gc
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from restorekit.components.process_state import KeptState

OTHER_LOCALE = "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8"

LOGGER = logging.getLogger("PIL")


def _set(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


# By the name in the message: what changes the state, and how the state is read.
CHANGES: dict[str, list[tuple[Callable[[], Any], Callable[[], Any]]]] = {
    "the working directory": [(lambda: os.chdir("/"), os.getcwd)],
    "sys.path": [
        (lambda: sys.path.insert(0, "/nowhere"), lambda: list(sys.path)),
        (lambda: sys.path.reverse(), lambda: list(sys.path)),
        (_set(sys, "path", []), lambda: list(sys.path)),
    ],
    "the environment": [
        (lambda: os.environ.update(RANK="3"), lambda: dict(os.environ)),
        (lambda: os.environ.pop("PATH"), lambda: dict(os.environ)),
        (lambda: os.environ.clear(), lambda: dict(os.environ)),
    ],
    "the warning filters": [
        (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
        (lambda: warnings.filterwarnings("error", ".*"), lambda: list(warnings.filters)),
        (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
        (warnings.resetwarnings, lambda: list(warnings.filters)),
        (lambda: warnings.catch_warnings().__enter__(), lambda: list(warnings.filters)),
        (_set(warnings, "filters", []), lambda: list(warnings.filters)),
    ],
    "how warnings are shown": [
        (_set(warnings, "showwarning", print), lambda: warnings.showwarning)
    ],
    "logging": [
        (lambda: logging.basicConfig(level=1, force=True), lambda: list(logging.root.handlers)),
        (lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
        (lambda: logging.root.setLevel(1), lambda: logging.root.level),
        (
            _set(logging.getLogger("PIL"), "disabled", True),
            lambda: logging.getLogger("PIL").disabled,
        ),
    ],
    "the signal handlers": [
        (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), lambda: signal.getsignal(15)),
        (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN), lambda: signal.getsignal(2)),
    ],
    "the locale": [
        (lambda: locale.setlocale(locale.LC_ALL, OTHER_LOCALE), lambda: locale.setlocale(0))
    ],
    "the standard streams": [
        (_set(sys, "stdout", None), lambda: sys.stdout),
        (_set(sys, "stderr", sys.stdout), lambda: sys.stderr),
    ],
    "how exceptions are shown": [(_set(sys, "excepthook", print), lambda: sys.excepthook)],
    "the recursion limit": [(lambda: sys.setrecursionlimit(500), sys.getrecursionlimit)],
    "the built-in functions": [(_set(builtins, "open", None), lambda: builtins.open)],
    "garbage collection": [(gc.disable, gc.isenabled)],
    "Pillow's limits": [
        (_set(Image, "MAX_IMAGE_PIXELS", 1), lambda: Image.MAX_IMAGE_PIXELS),
        (
            _set(ImageFile, "LOAD_TRUNCATED_IMAGES", True),
            lambda: ImageFile.LOAD_TRUNCATED_IMAGES,
        ),
    ],
    "numpy's treatment of errors": [(lambda: np.seterr(all="raise"), np.geterr)],
    "the default dtype": [
        (lambda: torch.set_default_dtype(torch.float64), lambda: torch.zeros(1).dtype)
    ],
    "the default device": [
        (lambda: torch.set_default_device("meta"), lambda: torch.zeros(1).device)
    ],
    "grad mode": [
        (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
        (lambda: torch.no_grad().__enter__(), torch.is_grad_enabled),
    ],
    "the number of threads": [
        (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads)
    ],
    "the precision of matrix products": [
        (
            lambda: torch.set_float32_matmul_precision("medium"),
            torch.get_float32_matmul_precision,
        )
    ],
    "deterministic algorithms": [
        (
            lambda: torch.use_deterministic_algorithms(True),
            torch.are_deterministic_algorithms_enabled,
        )
    ],
    "cuDNN's settings": [
        (_set(torch.backends.cudnn, "benchmark", True), lambda: torch.backends.cudnn.benchmark)
    ],
    "autocast": [
        (
            lambda: torch.set_autocast_enabled("cpu", True),
            lambda: torch.is_autocast_enabled("cpu"),
        )
    ],
    "the random state": [
        (lambda: random.seed(0), random.getstate),
        (lambda: np.random.seed(0), lambda: np.random.get_state()[1].tolist()),  # type: ignore[index]
        (lambda: torch.manual_seed(0), lambda: torch.get_rng_state().tolist()),
        (lambda: torch.rand(1), lambda: torch.get_rng_state().tolist()),
    ],
}
EACH = [
    pytest.param(name, *change, id=f"{name} {number}")
    for name, changes in CHANGES.items()
    for number, change in enumerate(changes)
]


@pytest.mark.parametrize(("name", "change", "look"), EACH)
def test_a_change_is_undone_and_named(
    name: str, change: Callable[[], Any], look: Callable[[], Any]
) -> None:
    """Each change that would affect other code."""
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = look()
    with KeptState() as state:
        change()
        changed = look()
    assert changed != before or name == "the warning filters"  # entered, they are a copy
    assert look() == before
    assert set(state.changed) <= {name, "how warnings are shown"}
    assert name in state.changed or changed == before


def test_all_changes_together_are_undone() -> None:
    """Undoing one does not prevent undoing the others."""
    cases = [each.values for each in EACH]
    before = [look() for _, _, look in cases]  # type: ignore[operator]
    with KeptState() as state:
        for _, change, _ in cases:
            change()  # type: ignore[operator]
    assert [look() for _, _, look in cases] == before  # type: ignore[operator]
    assert state.changed == [name for name in CHANGES if name in state.changed]
    assert len(state.changed) >= len(CHANGES) - 1


def test_after_an_error_the_state_is_restored() -> None:
    """Code that fails half-way may have made changes, and its error is passed on."""
    before = Path.cwd()
    state = KeptState()

    def fail() -> None:
        with state:
            os.chdir("/")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert Path.cwd() == before
    assert state.changed == ["the working directory"]


def test_blocks_may_be_nested() -> None:
    """The inner block undoes its changes, and the outer one finds none."""
    with KeptState() as outer:
        with KeptState() as inner:
            random.random()
        with KeptState(with_random=False) as careless:
            pass
    assert (inner.changed, careless.changed, outer.changed) == (["the random state"], [], [])


def test_random_draws_can_be_left_alone() -> None:
    """Creating a network draws its weights."""
    with KeptState(with_random=False) as state:
        torch.rand(1)
        random.random()
    assert state.changed == []


def test_filters_for_a_library_s_own_warnings_stay() -> None:
    """Many libraries add filters for their own warnings, which do not affect others."""
    added = ("ignore", "a message of mine")
    before = list(warnings.filters)
    try:
        with KeptState() as state:
            warnings.filterwarnings(*added)
        assert state.changed == []
        assert len(warnings.filters) == len(before) + 1
    finally:
        warnings.filters[:] = before  # type: ignore[index]


def test_modules_imported_within_are_restored_to_their_initial_state() -> None:
    """Importing torch, numpy and Pillow is not reported; changes of their state are undone."""
    code = """
import sys
from restorekit.components.process_state import KeptState
assert "torch" not in sys.modules and "numpy" not in sys.modules
with KeptState() as state:
    import torch, torchvision, kornia, numpy.random, PIL.ImageFile, matplotlib.pyplot
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 3)
    torch.set_default_dtype(torch.float16)
    numpy.seterr(all="raise")
    PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True
assert torch.get_num_threads() == threads
assert torch.zeros(1).dtype == torch.float32
assert numpy.geterr()["divide"] == "warn"
assert not PIL.ImageFile.LOAD_TRUNCATED_IMAGES
print(", ".join(state.changed))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "Pillow's limits, numpy's treatment of errors, the default dtype, the number of threads"
    )
