"""Models created with trained weights, by the name of the architecture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from restorekit.components.argument_presets import with_preset
from restorekit.components.component_records import Entry
from restorekit.components.kinds import models, weights
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights.card import read_card
from restorekit.weights.weights_files import load_model
from restorekit.weights.weights_names import architecture_of, file_of, named_weights

if TYPE_CHECKING:
    from torch import nn


def create_pretrained(
    name: str, pretrained: str | bool, arguments: Mapping[str, object]
) -> nn.Module:
    """The model of this name with trained weights, in evaluation mode.

    Args:
        name: the registered name of the architecture.
        pretrained: what `load_model` takes, or True for the default weights of the architecture.
        arguments: arguments of the model, which must agree with those of the weights.

    Raises:
        UnknownNameError: the architecture is unknown.
        ArgumentError: the weights are of another architecture, or trained with other arguments.
        CheckpointError: there are no such weights, or they cannot be loaded.
    """
    entry = models.entry(name)
    chosen = _default_weights(name) if pretrained is True else str(pretrained)
    made = read_card(chosen)["model"]
    if made["name"] != name:
        other = made["name"] or made["class"]
        raise ArgumentError(f"model '{name}': weights '{chosen}' are of '{other}'")
    arguments = with_preset(entry, arguments)
    for argument, value in models.check(name, {**made["arguments"], **arguments}).values.items():
        stored = made["arguments"].get(argument, value)
        # As in JSON, in which a tuple is a list.
        if argument in arguments and json.loads(json.dumps(value, default=str)) != stored:
            raise ArgumentError(
                f"model '{name}': weights '{chosen}' have {argument}={stored}, not {value}"
            )
    return load_model(chosen)


def trained_architectures() -> set[str]:
    """The names of the models for which there are trained weights by name on this machine."""
    return {name for path in named_weights().values() if (name := architecture_of(path))}


def _default_weights(name: str) -> str:
    """The name of the weights that stand for an architecture.

    Raises:
        CheckpointError: there are none, or several without a default.
    """
    # Those that are bundled first: they need no plugins.
    for declared in weights.loaded():
        if declared.component.default and _architecture_of_declared(declared) == name:
            return declared.component.name
    fitting = [each for each, path in named_weights().items() if architecture_of(path) == name]
    declared_defaults = {each.component.name for each in weights.loaded() if each.component.default}
    chosen = [each for each in fitting if each in declared_defaults] or fitting
    if len(chosen) == 1:
        return chosen[0]
    if fitting:
        several = ", ".join(sorted(fitting))
        raise CheckpointError(f"model '{name}' has several trained weights; name one: {several}")
    trained = ", ".join(sorted(trained_architectures()))
    raise CheckpointError(f"model '{name}' has no trained weights. Models that have: {trained}")


def _architecture_of_declared(declared: Entry[PretrainedWeights]) -> str | None:
    try:
        path = file_of(declared)
    except CheckpointError:  # one wrong declaration must not block other architectures
        return None
    return None if path is None else architecture_of(path)
