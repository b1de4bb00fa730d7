"""The transformer block with attention in windows that several networks share.

Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV 2021,
https://arxiv.org/abs/2103.14030
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.attention_windows import (
    attend_in_windows,
    from_windows,
    new_bias_table,
    relative_bias,
    to_windows,
)


class WindowAttention(nn.Module):
    """Multi-head attention in windows, with a learned bias for each relative position.

    Args:
        width: number of channels, a multiple of `heads`.
        heads: number of attention heads.
        window: side of the windows.
        shift: how far the windows are shifted.
        modulator: add a learned vector to each position of a window before the attention (Uformer).
    """

    def __init__(
        self, width: int, heads: int, window: int, shift: int, modulator: bool = False
    ) -> None:
        super().__init__()
        self.window = window
        self.shift = shift
        self.modulator = nn.Parameter(torch.randn(window**2, width)) if modulator else None
        self.relative_position_bias_table = new_bias_table(window, heads)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C); H and W are multiples of the window."""
        return self.attend(x, self.shift)

    def attend(self, x: Tensor, shift: int) -> Tensor:
        """`forward` with another shift."""
        windows = to_windows(x, self.window, shift)
        if self.modulator is not None:
            windows = windows + self.modulator
        query, key, value = self.qkv(windows).chunk(3, -1)
        bias = relative_bias(self.relative_position_bias_table, self.window)
        attended = attend_in_windows(query, key, value, bias, self.window, shift)
        return from_windows(self.proj(attended), self.window, shift)


class MLP(nn.Module):
    """Two linear layers with a GELU between them, at each position."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        mixed: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return mixed


class SwinBlock(nn.Module):
    """Attention and a feed-forward layer, each after a layer norm and added to its input.

    Args:
        width: number of channels.
        attn: the attention, (B, H, W, C) -> (B, H, W, C).
        mlp: the feed-forward layer, (B, H, W, C) -> (B, H, W, C).
    """

    def __init__(self, width: int, attn: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = attn
        self.norm2 = nn.LayerNorm(width)
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        x = x + self.attn(self.norm1(x))
        mixed: Tensor = x + self.mlp(self.norm2(x))
        return mixed


def swin_block(width: int, heads: int, window: int, shift: int, hidden: int) -> SwinBlock:
    """The usual block: attention in windows and an MLP of `hidden` channels."""
    return SwinBlock(width, WindowAttention(width, heads, window, shift), MLP(width, hidden))


def alternate_shifts(count: int, window: int) -> Iterator[int]:
    """The shifts of consecutive blocks: none, half a window, none, .."""
    return (number % 2 * (window // 2) for number in range(count))
