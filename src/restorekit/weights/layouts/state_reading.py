"""The sizes of a network, read from the keys and shapes of its state dict."""

from __future__ import annotations

from collections.abc import Mapping

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
            raise CheckpointError(f"the keys are those of {layout}, but '{key}' is missing")
        if (found := tuple(state[key].shape)) != shape:
            raise CheckpointError(
                f"the keys are those of {layout}, but the shape of '{key}' is {found}, not {shape}"
            )
