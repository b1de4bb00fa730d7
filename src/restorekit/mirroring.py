"""Images continued beyond their border by their own mirror images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, device


def mirrored_indices(
    length: int, count: int, *, repeat_border: bool, device: device | None = None
) -> Tensor:
    """Indices that walk along an axis to its end, back to its start, and so on.

    Args:
        length: of the axis, at least 1.
        count: how many indices.
        repeat_border: whether the first and the last index come twice in a row (0, 1, 2, 2, 1, 0,
            0, ...), as in numpy's mode "symmetric", or once (0, 1, 2, 1, 0, 1, ...), as in
            "reflect".
        device: of the result.

    Returns:
        int64 (count,).
    """
    import torch

    twice = int(repeat_border)
    # A tensor, since the ONNX exporter does not support the remainder by a symbolic size.
    period = torch.full((1,), 2 * (length - 1 + twice), device=device).clamp(min=1)
    place = torch.arange(count, device=device) % period
    return torch.minimum(place, period - twice - place)


def continued(x: Tensor, axis: int, size: int) -> Tensor:
    """An axis that is shorter than `size` continued at its end, the border repeated."""
    length = x.shape[axis]
    if length >= size:
        return x
    places = mirrored_indices(length, size, repeat_border=True, device=x.device)
    return x.index_select(axis, places)
