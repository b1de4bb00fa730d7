"""Channel attention: every channel is weighted by what its mean over the image says.

Hu et al., Squeeze-and-Excitation Networks, CVPR 2018, https://arxiv.org/abs/1709.01507
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu


class ChannelAttention(nn.Module):
    """Factors between 0 and 1 for the channels, from their means over the image."""

    def __init__(self, width: int, inner: int, bias: bool = True) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, inner, 1, bias=bias)
        self.expand = nn.Conv2d(inner, width, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        means = x.mean(dim=(-2, -1), keepdim=True)
        factors: Tensor = self.expand(relu(self.squeeze(means))).sigmoid()
        return x * factors
