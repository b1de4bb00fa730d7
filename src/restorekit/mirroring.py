"""Extending images beyond their border by mirroring."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, device


def mirrored_indices(
    length: int,
    count: int,
    *,
    repeat_border: bool,
    start: int = 0,
    device: device | None = None,
) -> Tensor:
    """Indices that run along an axis to its end, back to its start, and so on.

    Args:
        length: length of the axis, at least 1.
        count: number of indices.
        repeat_border: whether the first and the last index are repeated (0, 1, 2, 2, 1, 0, 0, ...),
            like mode "symmetric" of numpy.pad, or not (0, 1, 2, 1, 0, 1, ...), like "reflect".
        start: place of the first index on the axis, which may lie before its beginning.
        device: device of the result.

    Returns:
        int64 (count,).
    """
    import torch

    twice = int(repeat_border)
    # A tensor, because the ONNX exporter does not support the remainder by a symbolic size.
    period = torch.full((1,), 2 * (length - 1 + twice), device=device).clamp(min=1)
    place = (torch.arange(count, device=device) + start) % period
    return torch.minimum(place, period - twice - place)


def mirrored_border(length: int, border: int, device: device | None = None) -> Tensor:
    """Indices that continue an axis on both sides by mirroring, without repeating its ends.

    Args:
        length: length of the axis, at least 1; it may be shorter than the border.
        border: number of indices on each side.
        device: device of the result.

    Returns:
        int64 (length + 2 * border,).
    """
    import torch

    places = mirrored_indices(length, length + border, repeat_border=False, device=device)
    before = mirrored_indices(length, border + 1, repeat_border=False, device=device)[1:]
    return torch.cat((before.flip(0), places))


def continued(x: Tensor, axis: int, size: int) -> Tensor:
    """Extend an axis that is shorter than `size` by mirroring at its end, repeating the border."""
    length = x.shape[axis]
    if length >= size:
        return x
    places = mirrored_indices(length, size, repeat_border=True, device=x.device)
    return x.index_select(axis, places)
