"""NAFNet: a U-Net of blocks without activation functions; products of channels replace them.

Chen et al., Simple Baselines for Image Restoration, ECCV 2022, https://arxiv.org/abs/2204.04676
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.block_unet import BlockUNet
from restorekit.arch.channel_norm import ChannelNorm


class SimpleGate(nn.Module):
    """The product of the two halves of the channels: (B, 2C, H, W) -> (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the first half by the second."""
        first, second = x.chunk(2, dim=1)
        return first * second


class NAFBlock(nn.Module):
    """Gated convolutions with channel attention, then a gated feed-forward layer; both residual.

    `beta` and `gamma` scale what is added. They begin at 0, so that a new block is the identity.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width, eps=1e-6)
        self.conv1 = nn.Conv2d(width, 2 * width, 1)
        self.conv2 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1))
        self.conv3 = nn.Conv2d(width, width, 1)
        self.norm2 = ChannelNorm(width, eps=1e-6)
        self.conv4 = nn.Conv2d(width, 2 * width, 1)
        self.conv5 = nn.Conv2d(width, width, 1)
        self.gate = SimpleGate()
        self.beta = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        gated = self.gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(gated * self.sca(gated)) * self.beta
        mixed: Tensor = self.conv5(self.gate(self.conv4(self.norm2(x))))
        return x + mixed * self.gamma


class NAFNet(BlockUNet):
    """Encoder and decoder of gated convolutions with channel attention. Blind: `sigma` is ignored.

    The published denoising networks, for the photographs of SIDD, have `width` 32 (29.2 million
    parameters) and 64 (116 million). Zeros are added at the bottom and the right of sizes that are
    not multiples of `size_multiple`, as there. The channel attention takes means over the whole
    image, so that tiles are restored slightly differently.

    For a colour patch of 256x256 pixels in float32, training keeps 1.2 GB of features, and
    0.1 GB with `checkpoint`.

    Reference: https://arxiv.org/abs/2204.04676

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; they double at each smaller scale.
        encoder_blocks: Number of blocks at each scale of the encoder, from full size.
        middle_blocks: Number of blocks at the smallest size.
        decoder_blocks: Number of blocks at each scale of the decoder, from the smallest size.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 2^n for n scales of the encoder.

    Raises:
        ArgumentError: a number is below 1, or encoder and decoder differ in their number of scales.

    Example:
        >>> model = restorekit.create_model(
        ...     "nafnet", width=8, encoder_blocks=[1, 1], middle_blocks=1, decoder_blocks=[1, 1]
        ... )
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        encoder_blocks: tuple[int, ...] = (2, 2, 4, 8),
        middle_blocks: int = 12,
        decoder_blocks: tuple[int, ...] = (2, 2, 2, 2),
        checkpoint: bool = False,
    ) -> None:
        blocks = (encoder_blocks, middle_blocks, decoder_blocks)
        super().__init__("nafnet", NAFBlock, channels, width, *blocks, checkpoint)
