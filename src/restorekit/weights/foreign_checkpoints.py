"""Checkpoints of other projects: read without executing anything, and recognised."""

from __future__ import annotations

import difflib
import hashlib
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restorekit.components.kinds import models
from restorekit.errors import CheckpointError
from restorekit.memory import format_size
from restorekit.weights.safetensors_header import is_safetensors, read_header

if TYPE_CHECKING:
    from torch import Tensor

    from restorekit.weights.checkpoint_layouts import RecognisedCheckpoint

# What trainers put their state dicts under; the smoothed weights first.
_WRAPPERS = (
    "params_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
)
_NEVER_RUN = (
    "loading it could run any code, so it is never executed; where that code is at home, save "
    "model.state_dict() instead"
)
_PACKED = 10  # times its size, to which an archive may unpack
UNKNOWN_LICENSE = "licence unknown"


def describe_foreign(path: Path) -> dict[str, Any]:
    """A card for a file that has none: what it was recognised as."""
    found = read_foreign(path)
    made = models.entry(found.architecture).provider
    origin = {"provider": made.distribution, "version": made.version}
    return {
        "model": {"name": found.architecture, "arguments": found.arguments, **origin},
        **source_fields(path, found, None),
        "parameters": sum(tensor.numel() for tensor in found.tensors.values()),
    }


def source_fields(path: Path, found: RecognisedCheckpoint, license: str | None) -> dict[str, Any]:
    """What a card says of where weights came from: "license" and "source"."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = {"file": path.name, "layout": found.layout, "sha256": digest}
    return {"license": license or UNKNOWN_LICENSE, "source": source}


def read_foreign(path: Path) -> RecognisedCheckpoint:
    """What a checkpoint is, and its tensors as our architecture takes them, in float32.

    Raises:
        CheckpointError: it cannot be read, or is of no known layout.
    """
    from restorekit.weights.checkpoint_layouts import LAYOUTS

    state = read_state_dict(path)
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    while True:
        for layout in LAYOUTS:
            try:
                found = layout.read(state)
            except CheckpointError as error:
                raise CheckpointError(f"{path}: {error}") from error
            if found is not None:
                return found
        inner = _without_prefix(state)
        if inner is None:
            raise _unknown(path)
        state = inner


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, out of the wrappers that trainers put around it.

    Raises:
        CheckpointError: there is none, or loading it would execute code.
    """
    if is_safetensors(path):
        return _load_safetensors(path)
    state = _unwrapped(_load_torch(path))
    if state is None:
        raise CheckpointError(f"{path}: holds no state dict (names with their tensors)")
    for name, tensor in state.items():
        if not _is_plain(tensor):
            raise CheckpointError(f"{path}: has no plain real numbers in {name}")
    for prefix in ("module.", "_orig_mod."):
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return state


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_header(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: a damaged safetensors file ({reason})") from error


def _load_torch(path: Path) -> Any:
    import pickle

    import torch

    _check_packing(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL ([\w.]+)", str(error))
        if "Unsupported operand" in str(error):
            raise CheckpointError(
                f"{path}: a pickle of a newer protocol, or a damaged one; where that code is at "
                "home, save it with torch.save(model.state_dict(), ...) and the default protocol"
            ) from error
        if name is None:
            raise CheckpointError(f"{path}: not a checkpoint, or a damaged one") from error
        raise CheckpointError(
            f"{path}: a pickle that holds {name[1]} and not tensors alone; {_NEVER_RUN}"
        ) from error
    except Exception as error:  # torch raises a dozen kinds for a file that is none of its own
        reason = str(error).partition("\n")[0]
        if "TorchScript" in reason:  # torch's own advice is to load it as code
            raise CheckpointError(
                f"{path}: a TorchScript archive, a program and not tensors alone; {_NEVER_RUN}"
            ) from error
        raise CheckpointError(
            f"{path}: not a checkpoint that torch reads, or a damaged one ({reason})"
        ) from error


def _check_packing(path: Path) -> None:
    """Refuse an archive that unpacks to far more than its size; torch does not pack at all."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except Exception:  # not an archive, or a damaged one: torch says so
        return
    if unpacked > _PACKED * path.stat().st_size + 10_000_000:
        raise CheckpointError(f"{path}: would unpack to {format_size(unpacked)}; not read")


def _is_plain(tensor: Tensor) -> bool:
    """Whether all of a tensor's numbers are in the file: not sparse, nor one number repeated."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        return False
    return (
        tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def _unwrapped(loaded: Any, depth: int = 3) -> dict[str, Tensor] | None:
    """The state dict in what a file holds, under so many wrappers at most."""
    import torch

    if not isinstance(loaded, Mapping) or depth == 0:
        return None
    tensors = {k: v.detach() for k, v in loaded.items() if isinstance(v, torch.Tensor)}
    if tensors and all(isinstance(key, str) for key in tensors):
        return tensors
    inner = (_unwrapped(loaded[key], depth - 1) for key in _WRAPPERS if key in loaded)
    return next((state for state in inner if state is not None), None)


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The keys without the word they all begin with (a wrapping module's), if they do."""
    first = {key.partition(".")[0] for key in state}
    if len(first) != 1 or not all("." in key for key in state):
        return None
    return {key.partition(".")[2]: tensor for key, tensor in state.items()}


def _unknown(path: Path) -> CheckpointError:
    from restorekit.weights.checkpoint_layouts import LAYOUTS

    state = read_state_dict(path)
    if not state:
        return CheckpointError(f"{path}: holds no tensors")
    shapes = [f"{key} {tuple(tensor.shape)}" for key, tensor in state.items()]
    names = ", ".join(list(state)[:3])
    by_likeness = {
        difflib.SequenceMatcher(None, names, each.keys).ratio(): each for each in LAYOUTS
    }
    near = by_likeness[max(by_likeness)]
    more = f" and {len(shapes) - 3} more" if len(shapes) > 3 else ""
    return CheckpointError(
        f"{path}: not written by restorekit, and of no known layout: it has "
        f"{', '.join(shapes[:3])}{more}; the nearest known is {near.name} ({near.keys}, ..)"
    )
