"""Renaming the keys of a published state dict to those of our network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import Tensor

# The name of a layer in a published state dict, as a pattern, and ours: a template with groups such
# as \1, or a function of the match.
Renaming: TypeAlias = Mapping[str, str | Callable[[re.Match[str]], str]]


def renamed(state: Mapping[str, Tensor], renaming: Renaming) -> dict[str, Tensor] | None:
    """A state dict with the names of our layers; None if a layer fits no pattern.

    Args:
        state: the published state dict.
        renaming: the first pattern that matches the whole name of a layer is used. The name of a
            layer is its key without the last part, such as "weight".

    Example:
        >>> state = {"body.3.conv.weight": torch.ones(1)}
        >>> list(renamed(state, {r"body\\.(\\d+)\\.conv": r"layers.\\1"}))
        ['layers.3.weight']
        >>> renamed(state, {"tail": "tail"}) is None
        True
    """
    tensors = {}
    for key, tensor in state.items():
        layer, _, what = key.rpartition(".")
        if (name := _renamed_layer(layer, renaming)) is None:
            return None
        tensors[f"{name}.{what}"] = tensor
    return tensors


def _renamed_layer(layer: str, renaming: Renaming) -> str | None:
    for pattern, name in renaming.items():
        if (match := re.fullmatch(pattern, layer)) is not None:
            return match.expand(name) if isinstance(name, str) else name(match)
    return None


def at_position(name: str, step: int = 1, start: int = 0) -> Callable[[re.Match[str]], str]:
    """The name of a layer in a sequence, from its number in the first group of the match.

    Args:
        name: the name, a template with `{}` for the position in our sequence.
        step: how far the positions of successive layers are apart: 2 for a layer and a ReLU.
        start: the position of number 0.
    """
    return lambda match: match.expand(name.format(step * int(match[1]) + start))
