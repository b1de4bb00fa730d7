"""Xformer: two coupled U-Nets, one with attention in windows, one with attention of channels.

Zhang et al., Xformer: Hybrid X-Shaped Transformer for Image Denoising, ICLR 2024,
https://arxiv.org/abs/2303.06440
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from restorekit.arch.attention_windows import (
    apply_channels_last,
    channels_last,
    initialise_linear_layers,
    positions_last,
)
from restorekit.arch.checkpointing import Blocks
from restorekit.arch.layers import bare_conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_expansion,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.arch.restormer import RestormerBlock
from restorekit.arch.swin_block import MLP, SwinBlock, WindowAttention, alternate_shifts
from restorekit.arch.transformer_unet import double, halve

Pair = tuple[Tensor, Tensor]


class PaddedWindowAttention(WindowAttention):
    """Attention in windows of features of any size, which are padded with zeros.

    As published, the zeros are attended to, and nothing is shifted where all windows are in one row
    or in one column.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        padded, size = pad_to_multiple(positions_last(x), self.window, mode="zero")
        rows, columns = (side // self.window for side in padded.shape[-2:])
        shift = self.shift * _is_several(rows) * _is_several(columns)
        attended = self.attend(channels_last(padded), shift)
        return channels_last(crop(positions_last(attended), size))


def _is_several(count: int) -> int:
    """1 for two or more, 0 for one; a comparison would fix the sizes of an exported graph."""
    return (2 * count - 2) // count


class SpatialStage(nn.Module):
    """Transformer blocks with attention in windows, one for each of `shifts`."""

    def __init__(
        self,
        width: int,
        heads: int,
        window: int,
        hidden: int,
        shifts: Iterable[int],
        checkpoint: bool,
    ) -> None:
        super().__init__()
        attentions = (PaddedWindowAttention(width, heads, window, shift) for shift in shifts)
        blocks = (SwinBlock(width, each, MLP(width, hidden)) for each in attentions)
        self.blocks = Blocks(*blocks, checkpoint=checkpoint)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return apply_channels_last(self.blocks, x)


class Join(nn.Module):
    """Enlarges features of the coarser scale and joins them with those of the encoder."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = double(2 * width)
        self.reduce = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(B, 2 C, H / 2, W / 2), (B, C, H, W) -> (B, C, H, W)."""
        joined: Tensor = self.reduce(torch.cat((self.up(x), skip), 1))
        return joined


class Twin(nn.Module):
    """The same step of both branches: attention between channels, and in windows."""

    def __init__(self, channel: nn.Module, spatial: nn.Module) -> None:
        super().__init__()
        self.channel = channel
        self.spatial = spatial

    def forward(self, *inputs: Pair) -> Pair:
        """Each input is the features of both branches, and so is the output."""
        of_channel, of_spatial = zip(*inputs, strict=True)
        return self.channel(*of_channel), self.spatial(*of_spatial)


class Connection(nn.Module):
    """Adds to each branch a convolution of the other (bidirectional connection unit)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, both: Pair) -> Pair:
        """The features of both branches, (B, C, H, W) each."""
        channel, spatial = both
        return channel + self.dwconv(spatial), spatial + self.conv(channel)


class Xformer(nn.Module):
    """Two coupled U-Nets of transformer blocks. Blind: `sigma` is ignored.

    In one branch the attention is between the positions of windows, in the other between channels.
    At most scales each branch adds a convolution of the other; at the smallest one both use the
    same blocks. Their outputs are refined together and added to the image. Stochastic depth, which
    the published training used, is left out.

    The published networks are of one size, 25.23 million parameters: for Gaussian noise of one
    level or of several, gray and colour, and for the photographs of SIDD. They were made by two
    versions of the code: the one for gray images has `bias_free` and `shift_bottom`.

    The attention between channels is computed over the whole image, so that tiles are restored
    slightly differently. The default network takes about 8 GB for 1024x1024 pixels in float32. It
    is exported to torch programs, but not to ONNX, which cannot move features by a computed
    distance.

    Reference: https://arxiv.org/abs/2303.06440

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size, an even number; each halving doubles them.
        channel_blocks: Number of blocks with attention between channels at the three larger scales.
        spatial_blocks: Number of blocks with attention in windows at the four scales.
        refinement_blocks: Number of blocks that refine the features of both branches.
        heads: Number of attention heads at full size; it doubles with the features.
        window: Side of the attention windows.
        expansion: Hidden channels of the feed-forward layers, relative to the feature channels.
        bias_free: Before attention between channels, normalise without subtraction of the mean and
            without a bias.
        shift_bottom: Shift the windows of every second block at the smallest scale too.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 8 times `window`, the grid of the windows of all scales. Height and width
            are padded to multiples of 8 by mirroring.

    Raises:
        ArgumentError: a size is below 1, or `width` is odd or not a multiple of `heads`.

    Example:
        >>> model = restorekit.create_model(
        ...     "xformer", width=4, channel_blocks=[1, 1, 1], spatial_blocks=[1, 1, 1, 1], window=2
        ... )
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 48,
        channel_blocks: tuple[int, int, int] = (2, 4, 4),
        spatial_blocks: tuple[int, int, int, int] = (2, 4, 4, 6),
        refinement_blocks: int = 4,
        heads: int = 1,
        window: int = 16,
        expansion: float = 2.66,
        bias_free: bool = False,
        shift_bottom: bool = False,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "xformer", channels=channels, width=width, heads=heads, window=window)
        check_at_least(1, "xformer", channel_blocks=min(channel_blocks))
        check_at_least(1, "xformer", spatial_blocks=min(spatial_blocks))
        check_at_least(1, "xformer", refinement_blocks=refinement_blocks)
        check_expansion("xformer", width, expansion)
        check_multiple(2, "xformer", width=width)
        check_multiple(heads, "xformer", width=width)
        self.channels = channels
        self.size_multiple = 8 * window

        def channel_stage(count: int, features: int, heads: int) -> Blocks:
            made = (RestormerBlock(features, heads, expansion, bias_free) for _ in range(count))
            return Blocks(*made, checkpoint=checkpoint)

        def spatial_stage(scale: int, shifted: bool = True) -> SpatialStage:
            features = width * 2**scale
            shifts = alternate_shifts(spatial_blocks[scale], window if shifted else 0)
            hidden = int(features * expansion)
            sizes = features, heads * 2**scale, window, hidden
            return SpatialStage(*sizes, shifts, checkpoint)

        def twin_stage(scale: int) -> Twin:
            sizes = channel_blocks[scale], width * 2**scale, heads * 2**scale
            return Twin(channel_stage(*sizes), spatial_stage(scale))

        self.head = bare_conv3x3(channels, width)
        widths = [width * 2**scale for scale in range(3)]
        self.encoders = nn.ModuleList(twin_stage(scale) for scale in range(3))
        self.downs = nn.ModuleList(Twin(halve(each), halve(each)) for each in widths)
        self.bottom = spatial_stage(3, shifted=shift_bottom)
        self.joins = nn.ModuleList(Twin(Join(each), Join(each)) for each in reversed(widths))
        self.decoders = nn.ModuleList(twin_stage(scale) for scale in reversed(range(3)))
        # Before the encoders of the second and third scale, and the decoders of the second and
        # first.
        self.connections = nn.ModuleList(Connection(width * times) for times in (2, 4, 2, 1))
        self.refinement = channel_stage(refinement_blocks, 2 * width, heads)
        self.tail = bare_conv3x3(2 * width, channels)
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
        check_batch(noisy, self.channels, "xformer")
        padded, size = pad_to_multiple(noisy, 8)
        shallow = self.head(padded)
        both, skips = (shallow, shallow), []
        for scale in range(3):
            if scale > 0:
                both = self.connections[scale - 1](both)
            skips.append(self.encoders[scale](both))
            both = self.downs[scale](skips[-1])
        both = self.bottom(both[0]), self.bottom(both[1])
        for step in range(3):
            both = self.joins[step](both, skips.pop())
            if step > 0:
                both = self.connections[step + 1](both)
            both = self.decoders[step](both)
        change = self.tail(self.refinement(torch.cat(both, 1)))
        return (noisy + crop(change, size)).to(noisy.dtype)
