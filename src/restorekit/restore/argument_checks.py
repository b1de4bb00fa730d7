"""Checks of the arguments of a `Denoiser`."""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from restorekit.errors import ArgumentError, InputError


def check_fraction(name: str, value: object) -> None:
    """Check that a value is a number from 0 to 1.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ArgumentError(f"{name} is a number from 0 to 1, not {value!r}")


def check_tensor(image: Tensor, channels: int | None) -> None:
    """Check that a tensor is dense, has values and has its channels first.

    Args:
        image: the tensor.
        channels: number of channels of the network; None if unknown.

    Raises:
        InputError: it is not.
    """
    if image.is_meta or image.is_nested or image.layout != torch.strided:
        kind = "meta" if image.is_meta else "nested" if image.is_nested else str(image.layout)
        raise InputError(
            f"an image is a dense tensor with values, not a {kind.removeprefix('torch.')} one"
        )
    shape = tuple(image.shape)
    # A real image with so many channels is not this narrow, so the channels are probably last.
    if len(shape) in (3, 4) and shape[-3] > 4 >= shape[-1] > 0 and shape[-3] != channels:
        raise InputError(
            f"a tensor is (C, H, W) or (B, C, H, W), not {shape}; "
            "if the channels are last, use tensor.movedim(-1, -3)"
        )
