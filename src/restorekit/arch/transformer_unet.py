"""The U-shape of Restormer and KBNet: transformer blocks at four scales, joined by skips."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.checkpointing import Blocks
from restorekit.arch.layers import bare_conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)


class TransformerUNet(nn.Module):
    """Encoder and decoder of blocks at four scales. The image is added to the output.

    From one scale to the next the number of channels doubles, while height and width halve. At full
    size the decoder has twice the channels of the encoder, and refinement blocks after it. Other
    sizes are mirrored at the bottom and the right, as in the published evaluations.

    Args:
        name: the registered name of the model, for messages.
        make_block: makes a block for a number of channels and of attention heads.
        channels: channels of the image.
        width: feature channels at full size, an even number.
        blocks: number of blocks at each scale, from full size; the last one is the bottom.
        refinement_blocks: number of blocks after the decoder.
        heads: number of attention heads at each scale.
        checkpoint: compute blocks again in the backward pass, to save memory.

    Raises:
        ArgumentError: a number is below 1, or `width` is odd or no multiple of the heads.
    """

    def __init__(
        self,
        name: str,
        make_block: Callable[[int, int], nn.Module],
        channels: int,
        width: int,
        blocks: Sequence[int],
        refinement_blocks: int,
        heads: Sequence[int],
        checkpoint: bool,
    ) -> None:
        super().__init__()
        check_at_least(1, name, channels=channels, width=width, blocks=min(blocks))
        check_at_least(1, name, refinement_blocks=refinement_blocks, heads=min(heads))
        # Each scale divides its features among its heads, and `halve` divides the width by 2.
        shares = (count // math.gcd(count, 2**scale) for scale, count in enumerate(heads))
        check_multiple(math.lcm(2, *shares), name, width=width)
        widths = [width * 2**scale for scale in range(4)]
        self.name = name
        self.channels = channels
        self.size_multiple = 8

        def stage(count: int, scale: int, features: int) -> Blocks:
            made = (make_block(features, heads[scale]) for _ in range(count))
            return Blocks(*made, checkpoint=checkpoint)

        self.patch_embed = _named(proj=bare_conv3x3(channels, width))
        self.encoder_level1 = stage(blocks[0], 0, widths[0])
        self.down1_2 = halve(widths[0])
        self.encoder_level2 = stage(blocks[1], 1, widths[1])
        self.down2_3 = halve(widths[1])
        self.encoder_level3 = stage(blocks[2], 2, widths[2])
        self.down3_4 = halve(widths[2])
        self.latent = stage(blocks[3], 3, widths[3])
        self.up4_3 = double(widths[3])
        self.reduce_chan_level3 = nn.Conv2d(widths[3], widths[2], 1, bias=False)
        self.decoder_level3 = stage(blocks[2], 2, widths[2])
        self.up3_2 = double(widths[2])
        self.reduce_chan_level2 = nn.Conv2d(widths[2], widths[1], 1, bias=False)
        self.decoder_level2 = stage(blocks[1], 1, widths[1])
        self.up2_1 = double(widths[1])
        self.decoder_level1 = stage(blocks[0], 0, widths[1])
        self.refinement = stage(refinement_blocks, 0, widths[1])
        self.output = bare_conv3x3(widths[1], channels)

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
        check_batch(noisy, self.channels, self.name)
        image, size = pad_to_multiple(noisy, self.size_multiple)
        level1 = self.encoder_level1(self.patch_embed(image))
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        bottom = self.latent(self.down3_4(level3))
        joined = self.reduce_chan_level3(torch.cat((self.up4_3(bottom), level3), 1))
        upper3 = self.decoder_level3(joined)
        joined = self.reduce_chan_level2(torch.cat((self.up3_2(upper3), level2), 1))
        upper2 = self.decoder_level2(joined)
        upper1 = self.decoder_level1(torch.cat((self.up2_1(upper2), level1), 1))
        change = self.output(self.refinement(upper1))
        return (noisy + crop(change, size)).to(noisy.dtype)


class TransposedAttention(nn.Module):
    """Multi-head attention between channels instead of pixels.

    Each head has C / heads channels, which attend to each other by the cosine of their feature
    maps. The scores do not grow with the image, and the cost is proportional to its pixels.

    Args:
        width: number of channels, a multiple of `heads`.
        heads: number of heads.
        dilation: that of the depthwise convolution.
    """

    def __init__(self, width: int, heads: int, dilation: int = 1) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.qkv_dwconv = depthwise(3 * width, dilation)
        self.project_out = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        # Flattened before it is split, for one copy instead of three.
        attended = self.attend(self.qkv_dwconv(self.qkv(x)).flatten(2))
        mixed: Tensor = self.project_out(attended.reshape(x.shape))
        return mixed

    def attend(self, features: Tensor) -> Tensor:
        """Queries, keys and values of N positions, (B, 3 C, N), to (B, heads, C / heads, N)."""
        query, key, value = features.unflatten(1, (3 * self.heads, -1)).chunk(3, dim=1)
        cosines = functional.normalize(query, dim=-1) @ functional.normalize(key, dim=-1).mT
        # Not scaled_dot_product_attention, whose kernels are for few features of many positions:
        # here there are few positions, the channels, of as many features as the image has pixels.
        attended: Tensor = (cosines * self.temperature).softmax(dim=-1) @ value
        return attended


def depthwise(width: int, dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution of each channel by itself, without a bias."""
    return nn.Conv2d(width, width, 3, 1, dilation, dilation, groups=width, bias=False)


def halve(width: int) -> nn.Sequential:
    """(B, width, H, W) -> (B, 2 width, H/2, W/2), by a convolution and a pixel unshuffle."""
    return _named(body=nn.Sequential(bare_conv3x3(width, width // 2), nn.PixelUnshuffle(2)))


def double(width: int) -> nn.Sequential:
    """(B, width, H, W) -> (B, width / 2, 2 H, 2 W), by a convolution and a pixel shuffle."""
    return _named(body=nn.Sequential(bare_conv3x3(width, 2 * width), nn.PixelShuffle(2)))


def _named(**module: nn.Module) -> nn.Sequential:
    """A module under the name that it has in published state dicts."""
    return nn.Sequential(OrderedDict(module))
