"""The state of a run that lets it go on: weights, optimizer, step; never a pickle of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from restorekit.atomic import atomic_path
from restorekit.errors import CheckpointError

STATE = "training_state.pt"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the training state, whole or not at all."""
    with atomic_path(folder / STATE) as temporary:
        torch.save(state, temporary)


def load_state(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """The training state in a folder, or None where there is none.

    Raises:
        CheckpointError: the file is damaged or holds more than tensors and plain data.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        return {**state, "step": int(state["step"])}
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: not a whole training state ({reason})") from error


def set_aside(folder: Path) -> Path | None:
    """Move an earlier run's files into a numbered folder of their own, so that none is lost."""
    names = ("*.safetensors", STATE, "metrics.jsonl", "loss_map.png", "config.json")
    files = [file for name in names for file in folder.glob(name)]
    if not files:
        return None
    earlier = (int(path.name.rpartition("-")[2]) for path in folder.glob("previous-[0-9]*"))
    aside = folder / f"previous-{1 + max(earlier, default=0)}"
    aside.mkdir()
    for file in files:
        file.rename(aside / file.name)
    return aside
