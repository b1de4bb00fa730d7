"""Uformer: a U-Net of transformer blocks with attention in windows and depthwise convolutions.

Wang et al., Uformer: A General U-Shaped Transformer for Image Restoration, CVPR 2022,
https://arxiv.org/abs/2106.03106
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.attention_windows import (
    apply_channels_last,
    channels_last,
    initialise_linear_layers,
    positions_last,
)
from restorekit.arch.checkpointing import Blocks
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.arch.swin_block import SwinBlock, WindowAttention, alternate_shifts
from restorekit.errors import ArgumentError


class LocalFeedForward(nn.Module):
    """Linear layers at each position, with a depthwise 3x3 convolution between them (LeFF)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.linear2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        features = positions_last(functional.gelu(self.linear1(x)))
        features = channels_last(functional.gelu(self.dwconv(features)))
        mixed: Tensor = self.linear2(features)
        return mixed


class Uformer(nn.Module):
    """U-Net of transformer blocks with attention in windows. Blind: `sigma` is ignored.

    Between scales are 4x4 convolutions of stride 2 and 2x2 transposed convolutions. The skip
    connections concatenate, so the decoder's features are twice as wide as those of the encoder.
    The output is added to the image. Stochastic depth, which the published training used, is left
    out.

    The published sizes are T (`width` 16, 2 blocks everywhere), S (the same with `width` 32) and B
    (the default). The published network for real noise was made for patches of 128 pixels, in which
    the smallest scale has a single window, so that nothing is shifted there; that against motion
    blur has `shift_bottom`. State dicts do not show the difference. The default network takes about
    5 GB for 1024x1024 pixels in float32.

    Reference: https://arxiv.org/abs/2106.03106

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the encoder at full size; each halving doubles them.
        blocks: Number of blocks of each scale: of the encoder, of the smallest one, and of the
            decoder from coarse to fine. An odd count of numbers.
        heads: Number of attention heads at full size in the encoder; it doubles with the features.
        window: Side of the attention windows.
        mlp_ratio: Hidden channels of the feed-forward layers, relative to the feature channels.
        modulators: Add a learned vector to each position of a window in the decoder.
        shift_bottom: Shift the windows of every second block at the smallest scale too.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: `window` times 2 for each halving, 128 by default; height and width are
            padded to multiples of it by mirroring.

    Raises:
        ArgumentError: a size is below 1, `blocks` has an even count, or `heads` does not divide
            `width`.

    Example:
        >>> model = restorekit.create_model("uformer", width=8, blocks=[1, 2, 1], window=4)
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        blocks: tuple[int, ...] = (1, 2, 8, 8, 2, 8, 8, 2, 1),
        heads: int = 1,
        window: int = 8,
        mlp_ratio: int = 4,
        modulators: bool = True,
        shift_bottom: bool = False,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "uformer", channels=channels, width=width, blocks=min(blocks, default=0))
        check_at_least(1, "uformer", heads=heads, window=window, mlp_ratio=mlp_ratio)
        check_multiple(heads, "uformer", width=width)
        if len(blocks) % 2 == 0:
            raise ArgumentError(
                f"model 'uformer': argument 'blocks' has {len(blocks)} numbers; it has an odd "
                "count: the encoder's, that of the smallest scale, the decoder's"
            )
        scales = len(blocks) // 2
        self.channels = channels
        self.size_multiple = window * 2**scales

        def stage(place: int, scale: int) -> Blocks:
            """The blocks at a place of `blocks`, for `width` * 2^scale channels."""
            sizes = blocks[place], width * 2**scale, heads * 2**scale, window, mlp_ratio
            shifted = shift_bottom or place != scales
            return _stage(*sizes, shifted, modulators and place > scales, checkpoint)

        def up(scale: int) -> nn.ConvTranspose2d:
            """From the scale below, whose features a decoder has made twice as wide."""
            below = scales if scale == scales - 1 else scale + 2
            return nn.ConvTranspose2d(width * 2**below, width * 2**scale, 2, stride=2)

        finer = range(scales)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.encoders = nn.ModuleList(stage(scale, scale) for scale in finer)
        self.downs = nn.ModuleList(
            nn.Conv2d(width * 2**scale, width * 2 ** (scale + 1), 4, stride=2, padding=1)
            for scale in finer
        )
        self.bottom = stage(scales, scales)
        # Each decoder has the channels of the encoder's features and as many from below.
        self.ups = nn.ModuleList(up(scale) for scale in reversed(finer))
        self.decoders = nn.ModuleList(
            stage(2 * scales - scale, scale + 1) for scale in reversed(finer)
        )
        self.tail = nn.Conv2d(2 * width if scales else width, channels, 3, padding=1)
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
        check_batch(noisy, self.channels, "uformer")
        padded, size = pad_to_multiple(noisy, self.size_multiple)
        features = functional.leaky_relu(self.head(padded), 0.01)
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(apply_channels_last(encoder, features))
            features = down(skips[-1])
        features = apply_channels_last(self.bottom, features)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = apply_channels_last(decoder, torch.cat((up(features), skips.pop()), 1))
        return (noisy + crop(self.tail(features), size)).to(noisy.dtype)


def _stage(
    count: int,
    width: int,
    heads: int,
    window: int,
    mlp_ratio: int,
    shifted: bool,
    modulator: bool,
    checkpoint: bool,
) -> Blocks:
    """The blocks of one stage, every second one with shifted windows if `shifted`."""
    attentions = (
        WindowAttention(width, heads, window, shift, modulator)
        for shift in alternate_shifts(count, window if shifted else 0)
    )
    made = (
        SwinBlock(width, attention, LocalFeedForward(width, mlp_ratio * width))
        for attention in attentions
    )
    return Blocks(*made, checkpoint=checkpoint)
