"""From what a user names to a network ready to run."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn

from restorekit.devices import resolve_device
from restorekit.errors import CheckpointError
from restorekit.registry import models, origin_of
from restorekit.weights import bare, load_model

ModelLike = nn.Module | str | PathLike[str]


def load(model: ModelLike, device: str | torch.device) -> nn.Module:
    """The network that is meant, on its device, its weights laid out channels-last.

    Args:
        model: the name of bundled weights, or of a model that needs none, a weights file, a run's
            folder, or a module.
        device: where to put it; "auto" leaves a module where it lies.

    Raises:
        CheckpointError: there are no such weights, or they cannot be loaded.
        InputError: there is no such device.
    """
    if isinstance(model, nn.Module):
        loaded = model if device == "auto" else model.to(resolve_device(device))
    else:
        loaded = _without_weights(model, device) or load_model(Path(model), device)
    return loaded.to(memory_format=torch.channels_last)


def _without_weights(model: str | PathLike[str], device: str | torch.device) -> nn.Module | None:
    """A registered model that needs no weights, by its name."""
    if not isinstance(model, str) or Path(model).exists() or model not in models.names():
        return None
    made: nn.Module = models.create(model)
    if any(True for _ in made.parameters()):
        raise CheckpointError(
            f"'{model}' is an architecture without trained weights; "
            "give a weights file, e.g. runs/last.safetensors"
        )
    return made.to(resolve_device(device))


def session(model: nn.Module, runtime: str) -> Any:
    """What runs the network in another runtime; None for torch.

    Raises:
        MissingExtraError: the runtime is not installed.
    """
    if runtime == "torch":
        return None
    from restorekit.restore.runtime import load_runtime

    channels = getattr(bare(model), "channels", 3)
    return load_runtime(model, runtime, (1, channels, 256, 256))


def name_of(model: ModelLike) -> str:
    """What a model is called in messages."""
    if not isinstance(model, nn.Module):
        return str(model)
    origin = origin_of(bare(model))
    return type(model).__name__ if origin is None else origin.name
