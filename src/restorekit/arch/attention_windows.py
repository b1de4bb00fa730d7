"""Attention in square windows of the features, alternately plain and shifted by half a window.

Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV 2021,
https://arxiv.org/abs/2103.14030. Features are (B, H, W, C) here, and windows of `window`^2 = N
positions are (B, rows, columns, N, C).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def positions_last(features: Tensor) -> Tensor:
    """(B, H, W, C) -> (B, C, H, W), for a convolution; a view."""
    return features.permute(0, 3, 1, 2)


def channels_last(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H, W, C), for linear layers and windows; a view."""
    return features.permute(0, 2, 3, 1)


def apply_channels_last(module: nn.Module, features: Tensor) -> Tensor:
    """The output of a module for (B, H, W, C), of and as (B, C, H, W)."""
    return positions_last(module(channels_last(features)))


def to_windows(features: Tensor, window: int, shift: int = 0) -> Tensor:
    """Cut features into windows, after a cyclic shift to the top left.

    Args:
        features: (B, H, W, C), with H and W multiples of `window`.
        window: side of a window.
        shift: rows and columns that move from the top left to the bottom right.

    Returns:
        The windows, (B, H / window, W / window, window^2, C).
    """
    if shift:
        features = features.roll((-shift, -shift), (1, 2))
    cut: Tensor = features.unflatten(2, (-1, window)).unflatten(1, (-1, window))
    return cut.transpose(2, 3).flatten(3, 4)


def from_windows(windows: Tensor, window: int, shift: int = 0) -> Tensor:
    """Put windows together and shift them back; the inverse of `to_windows`."""
    squares: Tensor = windows.unflatten(3, (window, window))
    joined = squares.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return joined.roll((shift, shift), (1, 2)) if shift else joined


def relative_bias(table: Tensor, window: int) -> Tensor:
    """What is added to the scores of each pair of positions in a window.

    Args:
        table: ((2 window - 1)^2, heads), a number for each difference of rows, from
            1 - window to window - 1, and for each difference of columns, which varies faster.
        window: side of a window.

    Returns:
        (heads, N, N): for each query, a row with the bias of each key.
    """
    place = torch.arange(window, device=table.device)
    difference = place[:, None] - place + window - 1  # (query, key)
    rows, columns = difference[:, None, :, None], difference[None, :, None, :]
    index = (rows * (2 * window - 1) + columns).reshape(window**2, window**2)
    return table[index].permute(2, 0, 1)


def attend_in_windows(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, window: int, shift: int = 0
) -> Tensor:
    """Attention among the positions of each window.

    After a shift the last row and column of windows hold positions from opposite edges of the
    image, which do not attend to each other. Only these windows are computed with a mask, so that
    no bias of the size of all scores is needed.

    Args:
        query: (B, rows, columns, N, C).
        key: like `query`.
        value: like `query`.
        bias: added to the scores, (heads, N, N). The channels are divided among the heads.
        window: side of a window.
        shift: that of `to_windows`.

    Returns:
        The means of `value`, (B, rows, columns, N, C).
    """
    parts = (query, key, value)
    attended = _attend(parts, bias)
    if not shift:
        return attended
    other_row, other_column = _from_opposite_edges(window, shift, bias.device)
    never = float("-inf")
    last_row, last_column = _last(parts, 1), _last(parts, 2)
    bottom = _attend(last_row, bias.masked_fill(other_row, never))
    right = _attend(last_column, bias.masked_fill(other_column, never))
    corner = _attend(_last(last_row, 2), bias.masked_fill(other_row | other_column, never))
    attended = attended.slice_scatter(right, 2, -1)
    return attended.slice_scatter(bottom.slice_scatter(corner, 2, -1), 1, -1)


def initialise_linear_layers(model: nn.Module) -> None:
    """Draw the weights of linear layers with a standard deviation of 0.02; biases become 0.

    The initialisation of Swin Transformer and of what follows it.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def new_bias_table(window: int, heads: int) -> nn.Parameter:
    """The learned numbers for `relative_bias`, ((2 window - 1)^2, heads)."""
    table = torch.empty((2 * window - 1) ** 2, heads)
    return nn.Parameter(nn.init.trunc_normal_(table, std=0.02))


def _attend(parts: Sequence[Tensor], bias: Tensor) -> Tensor:
    """Multi-head attention in each window; query, key, value and result as above."""
    grid, heads = parts[0].shape[:3], bias.shape[0]
    query, key, value = (
        part.unflatten(-1, (heads, -1)).transpose(-2, -3).flatten(0, 2) for part in parts
    )
    bias = bias.to(query.dtype).expand(query.shape[0], -1, -1, -1)
    attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    # Not a transposition and a view: ONNX export replaces the attention by one of other strides.
    windows: Tensor = torch.cat(attended.unbind(1), -1).unflatten(0, grid)
    return windows


def _last(parts: Sequence[Tensor], axis: int) -> list[Tensor]:
    """The last row of windows, axis 1, or their last column, axis 2."""
    return [part.narrow(axis, -1, 1) for part in parts]


def _from_opposite_edges(window: int, shift: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Pairs of positions from opposite edges: in the last row of windows, and in the last column.

    Returns:
        Two masks, (N, N), True for such pairs.
    """
    wrapped = torch.arange(window, device=device) >= window - shift
    row, column = wrapped.repeat_interleave(window), wrapped.repeat(window)
    return row[:, None] != row, column[:, None] != column
