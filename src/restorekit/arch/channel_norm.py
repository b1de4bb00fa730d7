"""Layer normalisation over the channels of feature maps, separately at each pixel.

Ba et al., Layer Normalization, 2016, https://arxiv.org/abs/1607.06450
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """Layer norm of the channels at each pixel: (B, C, H, W) -> (B, C, H, W).

    Args:
        channels: number of channels.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Subtract the mean, divide by the standard deviation, scale and shift."""
        last = x.permute(0, 2, 3, 1)
        normed = functional.layer_norm(last, self.weight.shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class ScaleNorm(nn.Module):
    """Divide by the standard deviation of the channels at each pixel; no mean is subtracted.

    The form of layer norm that Restormer calls bias-free: zero stays zero.

    Args:
        channels: number of channels.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        # Not x.var(1), which is several times slower on a CPU.
        variance = (x - x.mean(1, keepdim=True)).square().mean(1, keepdim=True)
        return x * torch.rsqrt(variance + self.eps) * self.weight[:, None, None]
