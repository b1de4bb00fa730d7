"""DIDN: blocks that repeatedly halve and double the resolution of the features.

Yu et al., Deep Iterative Down-Up CNN for Image Denoising, CVPR Workshops 2019,
https://openaccess.thecvf.com/content_CVPRW_2019/html/NTIRE/Yu_Deep_Iterative_Down-Up_CNN_for_Image_Denoising_CVPRW_2019_paper.html
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.layers import bare_conv1x1, bare_conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)

SCALES = 4


class Residual(nn.Sequential):
    """Layers whose output is added to their input."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        change = x
        for layer in self:
            change = layer(change)
        return x + change


class DownUpBlock(nn.Module):
    """Features at two further scales, each half as large and twice as wide, and back.

    Downscaling is a 3x3 convolution of stride 2, upscaling a 1x1 convolution and a pixel shuffle.
    The features of the way down are concatenated on the way up, and the input is added.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.full_in = Residual(*_activated(width, width), *_activated(width, width))
        self.to_half = nn.Sequential(*_activated(width, 2 * width, stride=2))
        self.half_in = Residual(*_activated(2 * width, 2 * width))
        self.to_quarter = nn.Sequential(*_activated(2 * width, 4 * width, stride=2))
        self.quarter = Residual(*_activated(4 * width, 4 * width))
        self.from_quarter = nn.Sequential(bare_conv1x1(4 * width, 8 * width), nn.PixelShuffle(2))
        self.merge_half = bare_conv1x1(4 * width, 2 * width)
        self.half_out = Residual(*_activated(2 * width, 2 * width))
        self.from_half = nn.Sequential(bare_conv1x1(2 * width, 4 * width), nn.PixelShuffle(2))
        self.merge_full = bare_conv1x1(2 * width, width)
        self.full_out = Residual(*_activated(width, width), *_activated(width, width))
        self.last = bare_conv3x3(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) -> (B, width, H, W), where 4 divides H and W."""
        full = self.full_in(x)
        half = self.half_in(self.to_half(full))
        quarter = self.quarter(self.to_quarter(half))
        half = self.half_out(self.merge_half(torch.cat((self.from_quarter(quarter), half), 1)))
        full = self.full_out(self.merge_full(torch.cat((self.from_half(half), full), 1)))
        change: Tensor = self.last(full)
        return x + change


class DIDN(nn.Module):
    """Down-up blocks in sequence, whose results are all reconstructed and merged. Blind.

    The image is halved once; `blocks` down-up blocks work at that size. One reconstruction of nine
    convolutions, shared by all blocks, is applied to the output of each. A 1x1 convolution merges
    the results, a pixel shuffle doubles the size, and the last convolution predicts the difference
    to the input. No convolution has a bias, and each PReLU has one slope. `sigma` is ignored.

    The defaults are the published colour network of 164,569,602 parameters, which was trained for
    noise levels of 5 to 50 / 255. It is large: it needs 660 MB for its weights in float32, and
    about 4 GB for 1024x1024 pixels at once.

    Reference:
    https://openaccess.thecvf.com/content_CVPRW_2019/html/NTIRE/Yu_Deep_Iterative_Down-Up_CNN_for_Image_Denoising_CVPRW_2019_paper.html

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at half size, a multiple of 4; they double at each further halving.
        blocks: Number of down-up blocks.

    Attributes:
        size_multiple: 8.

    Raises:
        ArgumentError: `channels` or `blocks` is below 1, or `width` is not a multiple of 4.

    Example:
        >>> model = restorekit.create_model("didn", channels=1, width=4, blocks=2)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(self, channels: int = 3, width: int = 256, blocks: int = 6) -> None:
        super().__init__()
        check_at_least(1, "didn", channels=channels, blocks=blocks)
        check_at_least(4, "didn", width=width)
        check_multiple(4, "didn", width=width)
        self.channels = channels
        self.size_multiple = 2 ** (SCALES - 1)
        self.head = nn.Sequential(*_activated(channels, width))
        self.to_half = nn.Sequential(*_activated(width, width, stride=2))
        self.blocks = nn.ModuleList(DownUpBlock(width) for _ in range(blocks))
        pairs = (Residual(*_activated(width, width), *_activated(width, width)) for _ in range(4))
        self.reconstruction = Residual(*pairs, bare_conv3x3(width, width))
        self.merge = nn.Sequential(bare_conv1x1(blocks * width, width), nn.PReLU())
        self.enhance = Residual(*_activated(width, width))
        self.from_half = nn.PixelShuffle(2)
        self.tail = bare_conv3x3(width // 4, channels)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "didn")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        features = self.to_half(self.head(x))
        results = []
        for block in self.blocks:
            features = block(features)
            results.append(self.reconstruction(features))
        merged = self.enhance(self.merge(torch.cat(results, dim=1)))
        change: Tensor = self.tail(self.from_half(merged))
        return (noisy + crop(change, size)).to(noisy.dtype)


def _activated(in_channels: int, out_channels: int, stride: int = 1) -> list[nn.Module]:
    """A 3x3 convolution and a PReLU."""
    return [bare_conv3x3(in_channels, out_channels, stride), nn.PReLU()]
