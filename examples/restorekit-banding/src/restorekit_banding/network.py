"""Gated strips: a small residual network with kernels along the rows.

The gate is that of Dauphin et al., Gated Convolutional Networks, ICML 2017,
https://arxiv.org/abs/1612.08083.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class GatedStrip(nn.Module):
    """x + value * sigmoid(gate), both from one 3x`length` convolution: (B, width, H, W)."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        padding = (1, length // 2)
        self.expand = nn.Conv2d(width, 2 * width, (3, length), padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return x + functional.glu(self.expand(x), dim=1)


class GatedStrips(nn.Module):
    """Gated residual network with long horizontal kernels. It is blind: `sigma` is ignored.

    It predicts the noise and accepts any height and width.

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        width: Feature channels.
        depth: Number of gated blocks.
        length: Length of the kernels in pixels, odd.

    Raises:
        ValueError: length is even.
    """

    size_multiple = 1

    def __init__(
        self, channels: int = 3, width: int = 32, depth: int = 6, length: int = 15
    ) -> None:
        super().__init__()
        if length % 2 == 0:
            raise ValueError(f"length must be odd, not {length}")
        self.channels = channels
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(*(GatedStrip(width, length) for _ in range(depth)))
        self.tail = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch (B, C, H, W) in about [0, 1]; the result is not clamped."""
        noise: Tensor = self.tail(self.body(self.head(noisy)))
        return noisy - noise
