"""What a user calls a model, as a module ready to restore."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch
from torch import nn

from restorekit import expression
from restorekit.devices import resolve_device
from restorekit.errors import CheckpointError
from restorekit.registry import models
from restorekit.weights import bare, load_model


def open_model(
    model: nn.Module | str | PathLike[str], device: str | torch.device = "auto"
) -> nn.Module:
    """A module as it is, weights loaded, or a registered model that needs no weights made.

    Args:
        model: a module, a weights file, a run's folder, the name of bundled weights, or a model
            that has nothing to train, with arguments where it takes any: "tv",
            "median:switching=true".
        device: "auto", "cpu", "cuda", "mps". "auto" is the fastest one for weights, and where it
            lies for a module; any other moves the module there.

    Raises:
        CheckpointError: there are no such weights, they cannot be loaded, or a model that needs
            some was named without.
        ArgumentError: the named model does not take the arguments.
        MissingExtraError: the named model needs a package that is not installed.
        InputError: there is no such device.
    """
    if isinstance(model, nn.Module):
        return model if device == "auto" else model.to(resolve_device(device))
    if isinstance(model, str) and not Path(model).exists() and _is_registered(model):
        return _without_weights(model).to(resolve_device(device)).eval()
    return load_model(Path(model), device)


def needs_weights(model: nn.Module) -> bool:
    """Whether a module has anything that training would change."""
    return any(True for _ in bare(model).parameters())


def _is_registered(text: str) -> bool:
    return text.partition(":")[0] in models.names()


def _without_weights(text: str) -> nn.Module:
    written = expression.parse(text)
    if written.values:
        raise CheckpointError(f"'{text}': write {written.name}:key=value")
    made: nn.Module = models.create(written.name, **written.arguments)
    if needs_weights(made):
        raise CheckpointError(
            f"'{written.name}' is an architecture without trained weights; "
            "give a weights file, e.g. runs/last.safetensors"
        )
    return made
