"""The training state, from which a run resumes exactly. It is never a pickle of objects.

The newest state is `training_state.pt`, and the one before it is `training_state.previous.pt`, as a
fallback if the newest file is damaged. Each file is a zip archive whose checksums are verified
before its content is used.
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

from restorekit.data.folder import METRICS, RUN_PICTURES
from restorekit.errors import CheckpointError
from restorekit.storage.atomic import atomic_path
from restorekit.train.optimization import MovingAverage
from restorekit.weights.weights_folder import RUN_WEIGHTS

CONFIG = "config.json"
STATE, PREVIOUS = "training_state.pt", "training_state.previous.pt"
NEXT = "training_state.next.pt"  # exists only during a save
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
# Not strict, since the optimizer has no state for a weight that never had a gradient.
_LENIENT = StateDictOptions(full_state_dict=True, cpu_offload=True, strict=False)

RunState = dict[str, Any]


class Stateful(Protocol):
    """An object whose state can be saved and restored."""

    def state_dict(self) -> dict[str, Any]:
        """The state, as plain data and tensors."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Restore a state that `state_dict` returned."""


def save_state(folder: Path, state: RunState) -> None:
    """Write the training state and keep the previous one.

    At any time one of the three files is intact, even if the process is killed during the save.
    """
    with atomic_path(folder / NEXT) as temporary, temporary.open("wb") as file:
        careful = _Careful(file)
        torch.save(state, cast(IO[bytes], careful))
        careful.check()
    # Only now, when the new state is complete. Between the two renames NEXT is the newest state.
    if (folder / STATE).is_file():
        os.replace(folder / STATE, folder / PREVIOUS)
    os.replace(folder / NEXT, folder / STATE)


class _Careful:
    """A file for `torch.save` that stores write errors instead of raising them.

    torch.save may abort the process or ignore the error if a write fails. `check` raises the error
    afterwards.
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
    """The newest intact training state of a folder, on the CPU; None if there is no state.

    Args:
        folder: the folder of a run.
        say: called with a line for each damaged file that is skipped.

    Raises:
        CheckpointError: all files are damaged.
    """
    faults = []
    # NEXT exists if the process was killed between the renames of `save_state`; it is the newest.
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
        CheckpointError: the file is damaged, or has other content than tensors and plain data.
    """
    try:
        # torch.load does not verify the checksums of the archive.
        with zipfile.ZipFile(path) as archive:
            if (member := archive.testzip()) is not None:
                raise ValueError(f"its part {member.partition('/')[2]} is damaged")
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {**state, "step": int(state["step"])}
    # A damaged file makes the readers raise almost anything.
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path}: not a whole training state ({reason})") from error


def gather_weights(model: nn.Module) -> dict[str, Tensor]:
    """Copy the complete weights of a model to the CPU, with the names of the unwrapped model.

    All processes must call it. With sharded weights only the main process gets the result.
    """
    weights: dict[str, Any] = get_model_state_dict(model, options=_WHOLE)
    # Cloned, since on the CPU the weights are those of the model, which goes on training.
    return {name: weight.detach().clone() for name, weight in weights.items()}


def capture_state(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    **others: Stateful,
) -> RunState:
    """The complete changing state of a run, independent of the number of processes.

    All processes must call it.
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
    """Restore a state that `capture_state` returned.

    Raises:
        CheckpointError: it belongs to another model, optimizer or configuration.
    """
    model.zero_grad(set_to_none=True)  # otherwise torch does not initialise the optimizer's state
    try:
        if average is not None:
            # By way of the model, since only torch's functions know how its weights are sharded.
            set_model_state_dict(model, state["average"], options=_WHOLE)
            average.copy(model)
        set_model_state_dict(model, state["model"], options=_WHOLE)
        if state["optimizer"]["state"]:  # empty for plain SGD
            set_optimizer_state_dict(model, optimizer, state["optimizer"], options=_LENIENT)
        for name, other in others.items():
            other.load_state_dict(state[name])
    # What torch and the other parts raise for keys or shapes that do not match.
    except (AssertionError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"its training state does not fit this configuration ({reason})"
        ) from error


def set_checkpoint_aside(folder: Path) -> Path | None:
    """Move the files of an earlier run to a numbered subfolder, so that none is overwritten."""
    # The states first: if the move is interrupted, the rest must not look like a resumable run.
    names = (
        *(STATE, PREVIOUS, NEXT),
        *(*RUN_WEIGHTS, METRICS, *RUN_PICTURES, CONFIG),
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
