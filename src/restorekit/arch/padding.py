"""Fit a batch of any size to an architecture: check it, pad it, crop the result back."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError, InputError

Size = tuple[int, int]


def pad_to_multiple(
    x: Tensor, multiple: int, mode: Literal["mirror", "edge"] = "mirror"
) -> tuple[Tensor, Size]:
    """Grow a batch at the bottom and the right until `multiple` divides its height and width.

    The image is mirrored about its last row and column, as often as needed: the padding then
    looks like the picture and its noise, and no size is too small, not even 1x1. The top left
    corner stays where it is, so that tiles cut at multiples keep the same phase.

    Args:
        x: batch, (B, C, H, W), H and W at least 1.
        multiple: what must divide the new height and width, at least 1.
        mode: "edge" repeats the last row and column instead, for networks published with it.

    Returns:
        The padded batch, and (H, W) for `crop`.
    """
    height, width = x.shape[-2:]
    if multiple > 1 and not _fits(x, multiple):
        places = _mirrored if mode == "mirror" else _repeated
        x = x.index_select(-2, places(height, multiple, x.device))
        x = x.index_select(-1, places(width, multiple, x.device))
    return x, (height, width)


def crop(x: Tensor, size: Size) -> Tensor:
    """The top left (H, W) of a batch: what `pad_to_multiple` was given."""
    if not _in_graph() and x.shape[-2:] == size:
        return x
    # Negative padding and not a slice: a slice is a view, whose strides tie a graph to one size.
    return functional.pad(x, (0, size[1] - x.shape[-1], 0, size[0] - x.shape[-2]))


def check_batch(noisy: Tensor, channels: int | None, model: str) -> None:
    """Refuse a batch that a model cannot take.

    Args:
        noisy: what the model was given.
        channels: how many channels it takes; None for any number.
        model: its registered name, for the message.

    Raises:
        InputError: `noisy` is not a float batch (B, channels, H, W) whose sides are at least 1.
    """
    shape = tuple(noisy.shape)
    takes = f"model '{model}' takes a float batch (B, {channels or 'C'}, H, W)"
    if len(shape) == 3:
        raise InputError(f"{takes}, not a single image {shape}; add the batch with image[None]")
    if len(shape) != 4:
        raise InputError(f"{takes}, not {len(shape)} dimensions {shape}")
    if channels is not None and shape[1] != channels:
        raise InputError(
            f"{takes}, not {shape[1]} channels {shape}; one that fits is "
            f"create_model('{model}', channels={shape[1]})"
        )
    if 0 in shape[1:]:
        raise InputError(f"{takes} whose sides are at least 1, not {shape}")
    if not noisy.is_floating_point():
        raise InputError(f"{takes} in [0, 1], not {noisy.dtype}; divide 8-bit images by 255")


def check_at_least(minimum: int, model: str, **arguments: int) -> None:
    """Refuse an argument of a model's constructor that is too small.

    Raises:
        ArgumentError: an argument is below `minimum`.
    """
    for name, value in arguments.items():
        if value < minimum:
            raise ArgumentError(
                f"model '{model}': argument '{name}' must be at least {minimum}, not {value}"
            )


def check_at_most(maximum: int, model: str, **arguments: int) -> None:
    """Refuse an argument of a model's constructor that is too large.

    Raises:
        ArgumentError: an argument is above `maximum`.
    """
    for name, value in arguments.items():
        if value > maximum:
            raise ArgumentError(
                f"model '{model}': argument '{name}' must be at most {maximum}, not {value}"
            )


def _fits(x: Tensor, multiple: int) -> bool:
    """Whether there is nothing to pad; never within a graph, which is to serve any size."""
    return not _in_graph() and x.shape[-2] % multiple == 0 == x.shape[-1] % multiple


def _in_graph() -> bool:
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return torch.compiler.is_compiling() or bool(traced)


def _mirrored(length: int, multiple: int, device: torch.device) -> Tensor:
    """Indices 0, 1, .., length - 1, length - 2, .., 0, 1, .. up to the next multiple."""
    # A tensor: ONNX's exporter has no remainder by a number that depends on the size.
    period = torch.full((1,), 2 * (length - 1), device=device).clamp(min=1)
    place = torch.arange(_padded(length, multiple), device=device) % period
    return torch.minimum(place, period - place)


def _repeated(length: int, multiple: int, device: torch.device) -> Tensor:
    """Indices 0, 1, .., length - 1, length - 1, .. up to the next multiple."""
    return torch.arange(_padded(length, multiple), device=device).clamp(max=length - 1)


def _padded(length: int, multiple: int) -> int:
    return (length + multiple - 1) // multiple * multiple
