"""The state of a run that lets it go on exactly; never a pickle of objects.

The newest state is `training_state.pt`, the one before it `training_state.previous.pt`, so that a
file that was damaged later still leaves one to go back to. Each file is a zip archive whose
checksums are compared before anything in it is used.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from restorekit.data.folder import RUN_PICTURES
from restorekit.errors import CheckpointError
from restorekit.storage.atomic import atomic_path
from restorekit.train.optimization import MovingAverage

STATE, PREVIOUS = "training_state.pt", "training_state.previous.pt"
NEXT = "training_state.next.pt"  # there only within a save
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
# A weight that never had a gradient has no moments.
_LENIENT = StateDictOptions(full_state_dict=True, cpu_offload=True, strict=False)

RunState = dict[str, Any]


class Stateful(Protocol):
    """Something that can say where it stands, and stand there again."""

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, in plain data and tensors."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Stand where `state_dict` said."""


def save_state(folder: Path, state: RunState) -> None:
    """Write the training state, whole or not at all, and keep the one before it.

    At every moment one of the three files is whole, even if the newest was found damaged.
    """
    with atomic_path(folder / NEXT) as temporary, temporary.open("wb") as file:
        careful = _Careful(file)
        torch.save(state, cast(IO[bytes], careful))
        careful.check()
    if (folder / STATE).is_file():
        os.replace(folder / STATE, folder / PREVIOUS)
    os.replace(folder / NEXT, folder / STATE)


class _Careful:
    """A file for `torch.save`, which may end the process or go on where a write fails.

    It is never told of a failure; `check` raises it afterwards.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
        return len(data)

    def flush(self) -> None:
        """Nothing: the file is flushed when it is closed."""

    def check(self) -> None:
        if self._error is not None:
            raise self._error


def load_state(folder: Path, say: Callable[[str], None]) -> RunState | None:
    """The newest whole training state in a folder, on the CPU; None where there never was one.

    Args:
        folder: a run's folder.
        say: told, a line each, of files that are damaged and passed over.

    Raises:
        CheckpointError: there are files, and none is whole.
    """
    faults = []
    for path in (folder / NEXT, folder / STATE, folder / PREVIOUS):
        if not path.is_file():
            continue
        try:
            state = read_state(path)
        except CheckpointError as error:
            faults.append(str(error))
        else:
            for fault in faults:
                say(f"{fault}; going on from {path.name}, step {state['step']}")
            return state
    if faults:
        raise CheckpointError(faults[0])
    return None


def read_state(path: Path) -> RunState:
    """The training state in a file.

    Raises:
        CheckpointError: the file is damaged, or holds more than tensors and plain data.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (member := archive.testzip()) is not None:
                raise ValueError(f"its part {member.partition('/')[2]} is damaged")
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {**state, "step": int(state["step"])}
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path}: not a whole training state ({reason})") from error


def gather_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of a model's weights by the names of the bare model, whole, on the CPU.

    Every process must take part; where the weights are split, only the main one gets them.
    """
    weights: dict[str, Any] = get_model_state_dict(model, options=_WHOLE)
    return {name: weight.detach().clone() for name, weight in weights.items()}


def capture_state(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    **others: Stateful,
) -> RunState:
    """Everything of a run that changes, by the names of the weights: any number of processes fits.

    Every process must take part.
    """
    state: RunState = {name: other.state_dict() for name, other in others.items()}
    if average is not None:
        with average.applied(model):
            state["average"] = gather_weights(model)
    state["model"] = gather_weights(model)
    state["optimizer"] = get_optimizer_state_dict(model, optimizer, options=_WHOLE)
    return state


def restore_state(
    state: RunState,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    **others: Stateful,
) -> None:
    """Put what `capture_state` gave where it came from.

    Raises:
        CheckpointError: it is of another model, optimizer or configuration.
    """
    model.zero_grad(set_to_none=True)  # with gradients left, torch makes no state to fill
    try:
        if average is not None:
            set_model_state_dict(model, state["average"], options=_WHOLE)
            average.copy(model)
        set_model_state_dict(model, state["model"], options=_WHOLE)
        if state["optimizer"]["state"]:  # plain SGD has none, and nothing to take up
            set_optimizer_state_dict(model, optimizer, state["optimizer"], options=_LENIENT)
        for name, other in others.items():
            other.load_state_dict(state[name])
    except (AssertionError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"its training state does not fit this configuration ({reason})"
        ) from error


def set_checkpoint_aside(folder: Path) -> Path | None:
    """Move an earlier run's files into a numbered folder of their own, so that none is lost."""
    # The states first: what is left of a move that was cut off must not look like a run.
    names = (
        *(STATE, PREVIOUS, NEXT),
        *("best.safetensors", "last.safetensors", "metrics.jsonl", *RUN_PICTURES, "config.json"),
    )
    files = [folder / name for name in names if (folder / name).is_file()]
    if not files:
        return None
    earlier = (int(path.name.rpartition("-")[2]) for path in folder.glob("previous-[0-9]*"))
    aside = folder / f"previous-{1 + max(earlier, default=0)}"
    aside.mkdir()
    for file in files:
        file.rename(aside / file.name)
    return aside
