"""Loading the network that a user names."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch
from torch import nn

from restorekit.components import expressions
from restorekit.components.argument_presets import PRESET
from restorekit.components.kinds import models
from restorekit.devices import resolve_device
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.forks import settle_threads
from restorekit.weights import WeightsCard, describe_origin, load_model, read_card
from restorekit.weights.weights_names import needs_no_file

ModelLike = nn.Module | str | PathLike[str]


def load_network(model: ModelLike, device: str | torch.device) -> nn.Module:
    """Load a network on a device, with its weights in channels-last layout.

    Args:
        model: the name of bundled weights, a weights file, the folder of a run, a module, or a
            registered model that needs no weights file, with its arguments: "tv",
            "median:switching=true".
        device: name of the device; "auto" leaves a module where it is.

    Raises:
        ArgumentError: `model` is none of these.
        CheckpointError: the weights do not exist or cannot be loaded.
        InputError: the device is not available.
    """
    if not isinstance(model, (nn.Module, str, PathLike)):
        raise ArgumentError(
            "a model is the name of weights, a file of them, a run's folder or a module, "
            f"not {type(model).__name__}"
        )
    settle_threads()
    if isinstance(model, nn.Module):
        loaded = model if device == "auto" else model.to(resolve_device(device))
    else:
        made = _without_file(model)
        loaded = load_model(model, device) if made is None else made.to(resolve_device(device))
    return loaded.to(memory_format=torch.channels_last)


def load_with_card(model: ModelLike) -> tuple[nn.Module, WeightsCard]:
    """A network on the CPU, and the card of its weights.

    Args:
        model: as for `load_network`. A module is returned as it is.

    Returns:
        The network and its card. Without a weights file, the card only describes the model.
    """
    if isinstance(model, nn.Module):
        return model, {"model": describe_origin(model)}
    if (made := _without_file(model)) is not None:
        return load_network(made, "cpu"), {"model": describe_origin(made)}
    return load_network(model, "cpu"), read_card(model)


def _without_file(model: str | PathLike[str]) -> nn.Module | None:
    """Create a registered model that needs no weights file; None if the name is anything else.

    Raises:
        CheckpointError: an argument has no name.
        ArgumentError: the model does not accept an argument.
        MissingExtraError: the model needs a package that is not installed.
    """
    if not isinstance(model, str) or Path(model).exists():
        return None
    if model.partition(":")[0] not in models:
        return None
    written = expressions.parse_expression(model)
    arguments = dict(written.arguments)
    if written.values:
        preset, *more = written.values
        if more or str(preset) not in models.entry(written.name).component.presets:
            raise CheckpointError(f"'{model}': write {written.name}:key=value, or NAME:PRESET")
        arguments[PRESET] = preset
    made: nn.Module = models.make(models.check(written.name, arguments))
    return made if needs_no_file(made) else None
