"""Checkpoints of other projects: read without executing anything, and recognised."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.components.kinds import models
from restorekit.errors import CheckpointError
from restorekit.memory import format_size
from restorekit.storage.file_content import describe_content
from restorekit.storage.file_digests import sha256_of
from restorekit.storage.torch_files import describe_fault
from restorekit.untrusted.text import quoted
from restorekit.weights.card_fields import WeightsCard
from restorekit.weights.recognition import recognise
from restorekit.weights.safetensors_header import is_safetensors, read_header

if TYPE_CHECKING:
    from torch import Tensor

    from restorekit.records import RecognisedCheckpoint

# Keys under which trainers store a state dict. Moving averages come first: if both are there, they
# are what the project evaluates.
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
    "model_weight",
    "denoiser",
)
_NEVER_RUN = (
    "loading it could run arbitrary code, so it is never executed; save model.state_dict() where "
    "that code is installed"
)
_MOST_EXPANSION = 10  # an archive may unpack to at most this many times its size
UNKNOWN_LICENSE = "licence unknown"


def describe_foreign(path: Path) -> WeightsCard:
    """A card for a checkpoint of another project, from what it was recognised as."""
    found = read_foreign(path)
    made = models.entry(found.architecture).provider
    return {
        "model": {
            "name": found.architecture,
            "arguments": found.arguments,
            "provider": made.distribution,
            "version": made.version,
        },
        **source_fields(path, found, None),
        "parameters": sum(tensor.numel() for tensor in found.tensors.values()),
    }


def source_fields(path: Path, found: RecognisedCheckpoint, license: str | None) -> WeightsCard:
    """The fields of a card for the origin of converted weights: "license" and "source"."""
    digest = sha256_of(path)
    source = {"file": path.name, "layout": found.layout, "sha256": digest}
    return {"license": license or UNKNOWN_LICENSE, "source": source}


def read_foreign(path: Path, layout: str | None = None) -> RecognisedCheckpoint:
    """Recognise a checkpoint of another project and convert its tensors, in float32.

    Args:
        path: the file.
        layout: the registered name of its layout; None to recognise it.

    Raises:
        CheckpointError: it cannot be read, or its layout is unknown.
    """
    state = read_state_dict(path)
    # Published weights in half precision still run in a float32 network.
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return recognise(state, path, layout)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the state dict of a file, removing the dictionaries that trainers wrap around it.

    Raises:
        CheckpointError: the file has no state dict, or loading it would execute code.
    """
    if is_safetensors(path):
        return _load_safetensors(path)
    loaded = _load_torch(path)
    state = _unwrapped(loaded)
    if state is None:
        raise CheckpointError(f"{path}: {_without_state_dict(loaded, path)}")
    for name, tensor in state.items():
        if not _is_plain(tensor):
            raise CheckpointError(f"{path}: has no plain real numbers in {name}")
    # Of DataParallel and torch.compile.
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


def _load_torch(path: Path) -> object:
    import pickle

    import torch

    _check_expansion(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL ([\w.]+)", str(error))
        content = None if name else describe_content(path)
        if content is not None:
            raise CheckpointError(f"{path}: not a checkpoint: it is {content}") from error
        # torch's restricted reader knows protocol 2 only.
        if "Unsupported operand" in str(error):
            raise CheckpointError(
                f"{path}: a pickle of a newer protocol, or a damaged one; save it with "
                "torch.save(model.state_dict(), ...) and the default protocol"
            ) from error
        if name is None:
            raise CheckpointError(f"{path}: not a checkpoint, or a damaged one") from error
        raise CheckpointError(
            f"{path}: a pickle that contains {name[1]}, not only tensors; {_NEVER_RUN}"
        ) from error
    except Exception as error:  # torch raises many exception types for files of other formats
        reason = str(error).partition("\n")[0]
        if "TorchScript" in reason:  # torch's message advises to load it as code
            raise CheckpointError(
                f"{path}: a TorchScript archive, which contains a program; {_NEVER_RUN}"
            ) from error
        raise CheckpointError(f"{path}: not a checkpoint: {describe_fault(path, error)}") from error


def _check_expansion(path: Path) -> None:
    """Raise an error for an archive that expands to far more than its size.

    torch.save does not compress, so such a file is not a checkpoint and could fill the memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except Exception:  # not an archive, or a damaged one; torch.load reports that
        return
    if unpacked > _MOST_EXPANSION * path.stat().st_size + 10_000_000:
        raise CheckpointError(f"{path}: would unpack to {format_size(unpacked)}; not read")


def _is_plain(tensor: Tensor) -> bool:
    """Whether all values of a tensor are in the file, unlike those of a sparse or expanded one."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        return False
    return (
        tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def _unwrapped(loaded: object, depth: int = 3) -> dict[str, Tensor] | None:
    """The state dict in the content of a file, inside at most `depth` dictionaries."""
    import torch

    if not isinstance(loaded, Mapping) or depth == 0:
        return None
    tensors = {k: v.detach() for k, v in loaded.items() if isinstance(v, torch.Tensor)}
    if tensors and all(isinstance(key, str) for key in tensors):
        return tensors
    inner = (_unwrapped(loaded[key], depth - 1) for key in _WRAPPERS if key in loaded)
    # In the order of _WRAPPERS, not of the file.
    return next((state for state in inner if state is not None), None)


def _without_state_dict(loaded: object, path: Path) -> str:
    """What is wrong with a file that has no state dict, or several."""
    content = loaded if isinstance(loaded, Mapping) else {}
    names = [quoted(key) for key, value in content.items() if _unwrapped(value) is not None]
    if not names:
        return "has no state dict (names with their tensors)"
    listed = names if len(names) < 4 else [*names[:2], "..", names[-1]]
    count = "a state dict" if len(names) == 1 else f"{len(names)} state dicts"
    return (
        f"has {count} under {', '.join(listed)}; save one in a file of its own with "
        f"torch.save(torch.load('{path.name}', map_location='cpu')[{names[0]}], 'one.pth')"
    )
