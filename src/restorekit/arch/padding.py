"""Fit a batch of any size to an architecture: check it, pad it, and crop the result."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError, InputError
from restorekit.mirroring import mirrored_indices

Size = tuple[int, int]


def pad_to_multiple(
    x: Tensor, multiple: int, mode: Literal["mirror", "edge", "zero"] = "mirror"
) -> tuple[Tensor, Size]:
    """Pad a batch at the bottom and the right until `multiple` divides its height and width.

    The image is mirrored about its last row and column, repeatedly if needed. The padding then has
    the same texture and noise as the image, and every size works, even 1x1. The top left corner
    stays in place, so that tiles cut at multiples of `multiple` are processed alike.

    Args:
        x: batch, (B, C, H, W), with H and W at least 1.
        multiple: divisor of the new height and width, at least 1.
        mode: "mirror", or what networks were published with: "edge" repeats the last row and
            column, "zero" adds zeros, which also repeat no pixel that a blind spot hides.

    Returns:
        The padded batch, and (H, W) for `crop`.

    Example:
        >>> x = torch.arange(5.0).expand(1, 1, 1, 5)
        >>> padded, size = pad_to_multiple(x, 4)
        >>> padded[0, 0, 0], size
        (tensor([0., 1., 2., 3., 4., 3., 2., 1.]), (1, 5))
        >>> torch.equal(crop(padded, size), x)
        True
    """
    height, width = x.shape[-2:]
    if mode == "zero":
        below, right = (_padded_length(side, multiple) - side for side in (height, width))
        return functional.pad(x, (0, right, 0, below)), (height, width)
    if multiple > 1 and not _fits(x, multiple):
        indices = _mirrored_indices if mode == "mirror" else _repeated_indices
        x = x.index_select(-2, indices(height, _padded_length(height, multiple), x.device))
        x = x.index_select(-1, indices(width, _padded_length(width, multiple), x.device))
    return x, (height, width)


def crop(x: Tensor, size: Size) -> Tensor:
    """Crop a batch to its top left (H, W); the inverse of `pad_to_multiple`."""
    if not _in_graph() and x.shape[-2:] == size:
        return x
    # Negative padding instead of a slice: a slice is a view, and its strides would fix the image
    # size of an exported graph.
    return functional.pad(x, (0, size[1] - x.shape[-1], 0, size[0] - x.shape[-2]))


def check_batch(noisy: Tensor, channels: int | None, model: str) -> None:
    """Raise an error that explains the fix if a model cannot take this batch.

    Args:
        noisy: the input of the model.
        channels: the number of channels that the model takes; None for any number.
        model: the registered name of the model, for the message.

    Raises:
        InputError: `noisy` is not a float batch (B, channels, H, W) whose sides are at least 1.
    """
    shape = tuple(noisy.shape)
    expected = f"model '{model}' takes a float batch (B, {channels or 'C'}, H, W)"
    if len(shape) == 3:
        raise InputError(
            f"{expected}, not a single image {shape}; add the batch dimension with image[None]"
        )
    if len(shape) != 4:
        raise InputError(f"{expected}, not {len(shape)} dimensions {shape}")
    if channels is not None and shape[1] != channels:
        raise InputError(
            f"{expected}, not {shape[1]} channel{'' if shape[1] == 1 else 's'} {shape}; "
            f"use create_model('{model}', channels={shape[1]})"
        )
    if 0 in shape[1:]:
        raise InputError(f"{expected} with at least 1 pixel, not {shape}")
    if not noisy.is_floating_point():
        raise InputError(f"{expected} in [0, 1], not {noisy.dtype}; divide 8-bit images by 255")


def check_at_least(minimum: int, model: str, **arguments: int) -> None:
    """Check that arguments of a model's constructor are not too small.

    Raises:
        ArgumentError: an argument is below `minimum`.
    """
    for name, value in arguments.items():
        if value < minimum:
            raise ArgumentError(
                f"model '{model}': argument '{name}' must be at least {minimum}, not {value}"
            )


def check_positive(model: str, **arguments: float) -> None:
    """Check that arguments of a model's constructor are positive.

    Raises:
        ArgumentError: an argument is 0 or below.
    """
    for name, value in arguments.items():
        if value <= 0:
            raise ArgumentError(f"model '{model}': argument '{name}' must be positive, not {value}")


def check_window(model: str, size: int, largest: int) -> None:
    """Check the side of a square window in pixels, which has a middle pixel.

    Raises:
        ArgumentError: it is even, below 3 or above `largest`.
    """
    if not 3 <= size <= largest or size % 2 == 0:
        raise ArgumentError(
            f"model '{model}': argument 'size' must be odd, from 3 to {largest}, not {size}"
        )


def check_at_most(maximum: int, model: str, **arguments: int) -> None:
    """Check that arguments of a model's constructor are not too large.

    Raises:
        ArgumentError: an argument is above `maximum`.
    """
    for name, value in arguments.items():
        if value > maximum:
            raise ArgumentError(
                f"model '{model}': argument '{name}' must be at most {maximum}, not {value}"
            )


def check_multiple(divisor: int, model: str, **arguments: int) -> None:
    """Check that arguments of a model's constructor are multiples of a number.

    Raises:
        ArgumentError: an argument is not a multiple of `divisor`.
    """
    for name, value in arguments.items():
        if value % divisor:
            nearest = max(divisor, round(value / divisor) * divisor)
            raise ArgumentError(
                f"model '{model}': argument '{name}' must be a multiple of {divisor}, not {value}; "
                f"the nearest is {nearest}"
            )


def check_expansion(model: str, width: int, expansion: float) -> None:
    """Check that a feed-forward layer of `width` * `expansion` hidden channels has some.

    Raises:
        ArgumentError: it has none.
    """
    if int(width * expansion) < 1:
        raise ArgumentError(
            f"model '{model}': argument 'expansion' must give at least 1 hidden channel; "
            f"{expansion} gives none for {width} feature channels"
        )


def _fits(x: Tensor, multiple: int) -> bool:
    """Whether no padding is needed. False while a graph is traced, since it must fit any size."""
    return not _in_graph() and x.shape[-2] % multiple == 0 == x.shape[-1] % multiple


def _in_graph() -> bool:
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return torch.compiler.is_compiling() or bool(traced)


def _mirrored_indices(length: int, count: int, device: torch.device) -> Tensor:
    return mirrored_indices(length, count, repeat_border=False, device=device)


def _repeated_indices(length: int, count: int, device: torch.device) -> Tensor:
    """Indices 0, 1, .., length - 1, length - 1, .."""
    return torch.arange(count, device=device).clamp(max=length - 1)


def _padded_length(length: int, multiple: int) -> int:
    return (length + multiple - 1) // multiple * multiple
