"""A small residual network that takes the noise level as input."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AcmeNet(nn.Module):
    """Convolutions of the image and a map of its noise level, which predict the noise.

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        width: Feature channels.
        depth: Number of convolutions, at least 2.

    Raises:
        ValueError: depth is below 2.
    """

    size_multiple = 1

    def __init__(self, channels: int = 3, width: int = 16, depth: int = 5) -> None:
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth must be at least 2, not {depth}")
        self.channels = channels
        layers: list[nn.Module] = [nn.Conv2d(channels + 1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Restore a batch (B, C, H, W); sigma broadcasts to (B, 1, H, W)."""
        level = sigma.to(noisy).expand(len(noisy), 1, *noisy.shape[-2:])
        noise: Tensor = self.layers(torch.cat((noisy, level), dim=1))
        return noisy - noise
