"""What a `Denoiser` refuses before it works."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor

from restorekit.errors import ArgumentError, InputError


def check_fraction(name: str, value: Any) -> None:
    """Refuse what is no share.

    Raises:
        ArgumentError: that it is.
    """
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ArgumentError(f"{name} is a number from 0 to 1, not {value!r}")


def check_tensor(image: Tensor, channels: int | None) -> None:
    """Refuse a tensor without values to read, or with its channels last.

    Args:
        image: the tensor.
        channels: how many the network takes, if it says so.

    Raises:
        InputError: that it is.
    """
    if image.is_meta or image.is_nested or image.layout != torch.strided:
        kind = "meta" if image.is_meta else "nested" if image.is_nested else str(image.layout)
        raise InputError(
            f"an image is a dense tensor with its values, not a {kind.removeprefix('torch.')} one"
        )
    shape = tuple(image.shape)
    # No image of so many channels is so narrow.
    if len(shape) in (3, 4) and shape[-3] > 4 >= shape[-1] > 0 and shape[-3] != channels:
        raise InputError(
            f"a tensor is (C, H, W) or (B, C, H, W), not {shape}; "
            "of channels last, tensor.movedim(-1, -3) makes one"
        )
