"""The sizes of a network, read from the keys and shapes of its state dict."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from restorekit.errors import CheckpointError

StateDict = Mapping[str, Tensor]


def count_numbered(state: StateDict, key: str) -> int:
    """How often a key occurs with the numbers 0, 1, 2, .. in place of `{}`.

    Example:
        >>> state = {"body.0.weight": torch.ones(1), "body.1.weight": torch.ones(1)}
        >>> count_numbered(state, "body.{}.weight")
        2
    """
    number = 0
    while key.format(number) in state:
        number += 1
    return number


def shape_of(state: StateDict, layout: str, key: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a tensor, from which sizes are read.

    Args:
        state: the state dict.
        layout: what has such keys, for the message.
        key: the tensor.
        dimensions: how many it must have.

    Raises:
        CheckpointError: the key is missing, or it has other dimensions, or empty ones.

    Example:
        >>> shape_of({"intro.weight": torch.ones(8, 3, 3, 3)}, "NAFNet", "intro.weight", 4)
        (8, 3, 3, 3)
    """
    if key not in state:
        raise CheckpointError(_missing(layout, key))
    shape = tuple(state[key].shape)
    if len(shape) != dimensions or 0 in shape:
        raise CheckpointError(
            f"the keys are those of {layout}, but the shape of '{key}' is {shape}, without "
            f"{dimensions} dimensions of at least 1"
        )
    return shape


def conv_sizes(state: StateDict, layout: str, key: str) -> tuple[int, int]:
    """The first two sizes of the weight of a 2D convolution: output and input channels.

    Raises:
        CheckpointError: the key is missing, or it has other dimensions, or empty ones.

    Example:
        >>> conv_sizes({"intro.weight": torch.ones(8, 3, 3, 3)}, "NAFNet", "intro.weight")
        (8, 3)
    """
    made, taken, *_ = shape_of(state, layout, key, 4)
    return made, taken


def rename_keys(state: StateDict, patterns: Mapping[str, str]) -> dict[str, Tensor]:
    """The same tensors with other keys.

    Args:
        state: the state dict.
        patterns: replacements by regular expression; each is applied to every key, in order.

    Example:
        >>> list(rename_keys({"conv.0.weight": torch.ones(1)}, {r"conv\\.(\\d)": r"layers.\\1"}))
        ['layers.0.weight']
    """
    renamed = {}
    for key, tensor in state.items():
        for pattern, replacement in patterns.items():
            key = re.sub(pattern, replacement, key)
        renamed[key] = tensor
    return renamed


def check_shapes(state: StateDict, layout: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare the shapes of some tensors with those that the sizes of a network imply.

    Args:
        state: the state dict.
        layout: what has such keys, for the message, for example "KAIR's DRUNet".
        shapes: the expected shapes by key.

    Raises:
        CheckpointError: a key is missing, or its shape differs.
    """
    for key, shape in shapes.items():
        if key not in state:
            raise CheckpointError(_missing(layout, key))
        if (found := tuple(state[key].shape)) != shape:
            raise CheckpointError(
                f"the keys are those of {layout}, but the shape of '{key}' is {found}, not {shape}"
            )


def read_expansion(layout: str, pairs: Iterable[tuple[int, int]]) -> float:
    """The factor by which a network widens its features, of the fewest digits that are possible.

    Args:
        layout: what has such keys, for the message.
        pairs: features and hidden features, which are the product rounded down, at several places.

    Raises:
        CheckpointError: no factor gives all of them.

    Example:
        >>> read_expansion("Restormer", [(48, 127), (96, 255), (192, 510), (384, 1021)])
        2.66
    """
    sizes = list(pairs)
    lowest = max(hidden / features for features, hidden in sizes)
    for digits in range(8):
        factor = math.ceil(lowest * 10.0**digits) / 10.0**digits
        if all(int(features * factor) == hidden for features, hidden in sizes):
            return factor
    raise CheckpointError(
        f"the keys are those of {layout}, but no factor relates its features to the hidden ones: "
        + ", ".join(f"{features} and {hidden}" for features, hidden in sizes)
    )


def _missing(layout: str, key: str) -> str:
    return f"the keys are those of {layout}, but '{key}' is missing"
