"""SwinIR: transformer blocks with attention in shifted windows, at full size.

Liang et al., SwinIR: Image Restoration Using Swin Transformer, ICCV Workshops 2021,
https://arxiv.org/abs/2108.10257
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.attention_windows import (
    channels_last,
    initialise_linear_layers,
    positions_last,
)
from restorekit.arch.checkpointing import Blocks
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    check_positive,
    crop,
    pad_to_multiple,
)
from restorekit.arch.swin_block import alternate_shifts, swin_block

_MEAN_COLOUR = 0.4488, 0.4371, 0.4040  # of the training set, subtracted from colour images


class SwinGroup(nn.Module):
    """Several blocks, every second one with shifted windows, and a convolution; residual."""

    def __init__(
        self, width: int, depth: int, heads: int, window: int, hidden: int, checkpoint: bool
    ) -> None:
        super().__init__()
        shifts = alternate_shifts(depth, window)
        blocks = (swin_block(width, heads, window, shift, hidden) for shift in shifts)
        self.blocks = Blocks(*blocks, checkpoint=checkpoint)
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        return x + channels_last(self.conv(positions_last(self.blocks(x))))


class SwinIR(nn.Module):
    """Groups of transformer blocks with attention in windows. Blind: `sigma` is ignored.

    A 3x3 convolution, groups of blocks, and a 3x3 convolution, whose output is added to the image.
    In each block, every position attends to the positions of its window; the windows of every
    second block are shifted by half a window. Stochastic depth, which the published training used,
    is left out.

    The published networks, one for each noise level, have 11.50 million parameters for colour.
    The size "lightweight" is that of the paper's lightweight super-resolution, without the
    upsampling layers. The published networks against JPEG artefacts have windows of 7 pixels, so
    that they do not coincide with the blocks of the JPEG, and `value_scale` 255.

    All features have the size of the image: the default network takes about 9 GB for 1024x1024
    pixels in float32. Large images are processed in tiles.

    Reference: https://arxiv.org/abs/2108.10257

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels; a multiple of `heads`.
        depths: Number of blocks in each group.
        heads: Number of attention heads.
        window: Side of the attention windows, in pixels.
        mlp_ratio: Hidden channels of each MLP, relative to `width`.
        value_scale: Factor by which the values are multiplied inside the network.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: `window`; height and width are padded to multiples of it.

    Raises:
        ArgumentError: a size is below 1, `heads` does not divide `width`, or `value_scale` is not
            above 0.

    Example:
        >>> model = restorekit.create_model("swinir", width=12, depths=[2, 2], heads=2)
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    mean: Tensor

    def __init__(
        self,
        channels: int = 3,
        width: int = 180,
        depths: tuple[int, ...] = (6, 6, 6, 6, 6, 6),
        heads: int = 6,
        window: int = 8,
        mlp_ratio: int = 2,
        value_scale: float = 1.0,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "swinir", channels=channels, width=width, heads=heads, window=window)
        check_at_least(1, "swinir", depths=min(depths, default=0))
        check_at_least(1, "swinir", mlp_ratio=mlp_ratio)
        check_multiple(heads, "swinir", width=width)
        check_positive("swinir", value_scale=value_scale)
        self.channels = channels
        self.size_multiple = window
        self.value_scale = value_scale
        mean = torch.tensor(_MEAN_COLOUR if channels == 3 else [0.0] * channels)
        self.register_buffer("mean", mean.reshape(1, channels, 1, 1), persistent=False)
        self.conv_first = nn.Conv2d(channels, width, 3, padding=1)
        self.norm_first = nn.LayerNorm(width)
        self.layers = nn.Sequential(
            *(
                SwinGroup(width, depth, heads, window, mlp_ratio * width, checkpoint)
                for depth in depths
            )
        )
        self.norm = nn.LayerNorm(width)
        self.conv_after_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, channels, 3, padding=1)
        initialise_linear_layers(self)

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
        check_batch(noisy, self.channels, "swinir")
        padded, size = pad_to_multiple(noisy, self.size_multiple)
        shallow = self.conv_first((padded - self.mean) * self.value_scale)
        deep = self.norm(self.layers(self.norm_first(channels_last(shallow))))
        features = self.conv_after_body(positions_last(deep)) + shallow
        change = crop(self.conv_last(features), size) / self.value_scale
        return (noisy + change).to(noisy.dtype)
