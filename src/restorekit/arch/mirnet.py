"""MIRNet: features of three sizes in parallel that exchange information again and again.

Zamir et al., Learning Enriched Features for Real Image Restoration and Enhancement, ECCV 2020,
https://arxiv.org/abs/2003.06792
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.channel_attention import ChannelAttention
from restorekit.arch.layers import bare_conv1x1, bare_conv3x3
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple

SCALES = 3
FUSION_REDUCTION = 8


class SelectiveFusion(nn.Module):
    """A sum of features, weighted for each channel by attention to all of them (SKFF)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(width // FUSION_REDUCTION, 4)
        self.conv_du = nn.Sequential(bare_conv1x1(width, inner), nn.PReLU())
        self.fcs = nn.ModuleList(bare_conv1x1(inner, width) for _ in range(SCALES))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Three batches (B, C, H, W) -> (B, C, H, W)."""
        stacked = torch.stack(tuple(features), dim=1)
        means = stacked.sum(dim=1).mean(dim=(-2, -1), keepdim=True)
        described = self.conv_du(means)
        weights = torch.stack([fc(described) for fc in self.fcs], dim=1).softmax(dim=1)
        return (stacked * weights).sum(dim=1)


class SpatialAttention(nn.Module):
    """Factors between 0 and 1 for the pixels, from maximum and mean of their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        described = torch.cat((x.amax(1, keepdim=True), x.mean(1, keepdim=True)), dim=1)
        factors: Tensor = self.conv(described).sigmoid()
        return x * factors


class DualAttention(nn.Module):
    """Two convolutions, then spatial and channel attention side by side, added to the input."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            bare_conv3x3(width, width), nn.PReLU(), bare_conv3x3(width, width)
        )
        self.SA = SpatialAttention()
        self.CA = ChannelAttention(width, max(1, width // reduction), bias=False)
        self.conv1x1 = bare_conv1x1(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        features = self.body(x)
        change: Tensor = self.conv1x1(torch.cat((self.SA(features), self.CA(features)), dim=1))
        return x + change


class BlurDownsample(nn.Module):
    """Every second pixel after a blur with [1, 2, 1] / 4 in both directions.

    Zhang, Making Convolutional Networks Shift-Invariant Again, https://arxiv.org/abs/1904.11486
    """

    filt: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("filt", torch.outer(line, line).repeat(width, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H/2, W/2)."""
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self.filt, stride=2, groups=self.filt.shape[0])


class TwoPaths(nn.Module):
    """The sum of two sequences of layers, applied to the same input."""

    def __init__(self, top: Sequence[nn.Module], bottom: Sequence[nn.Module]) -> None:
        super().__init__()
        self.top = nn.Sequential(*top)
        self.bot = nn.Sequential(*bottom)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        result: Tensor = self.top(x) + self.bot(x)
        return result


class MultiScaleBlock(nn.Module):
    """Features of three sizes, refined in two columns and fused between them (MRB).

    The refining of a size has the same weights in all columns, as published.
    """

    def __init__(self, width: int, columns: int, reduction: int) -> None:
        super().__init__()
        self.columns = columns
        widths = [width * 2**scale for scale in range(SCALES)]
        self.blocks = nn.ModuleList(DualAttention(each, reduction) for each in widths)
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()
        for fine in range(SCALES):
            for coarse in range(fine + 1, SCALES):
                steps = coarse - fine
                self.down[f"{widths[fine]}_{2**steps}"] = _downscale(widths[fine], steps)
                self.up[f"{widths[coarse]}_{2**steps}"] = _upscale(widths[coarse], steps)
        self.last_up = nn.ModuleDict(
            {str(scale): _upscale(widths[scale], scale) for scale in range(1, SCALES)}
        )
        self.selective_kernel = nn.ModuleList(SelectiveFusion(each) for each in widths)
        self.conv_out = bare_conv3x3(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        features = [self.blocks[0](x)]
        for block in self.blocks[1:]:
            features.append(block(self._resized(features[-1], 1)))
        for _ in range(self.columns - 1):
            fused = [
                fusion([self._resized(each, scale - own) for own, each in enumerate(features)])
                for scale, fusion in enumerate(self.selective_kernel)
            ]
            features = [block(each) for block, each in zip(self.blocks, fused, strict=True)]
        full = [self.last_up[str(s)](each) if s else each for s, each in enumerate(features)]
        change: Tensor = self.conv_out(self.selective_kernel[0](full))
        return x + change

    def _resized(self, x: Tensor, steps: int) -> Tensor:
        """Halve the size `steps` times, or double it if the number is negative."""
        if steps == 0:
            return x
        layers = self.down if steps > 0 else self.up
        resized: Tensor = layers[f"{x.shape[1]}_{2 ** abs(steps)}"](x)
        return resized


class Group(nn.Module):
    """Multi-scale blocks and a convolution, added to the input (RRG)."""

    def __init__(self, width: int, blocks: int, columns: int, reduction: int) -> None:
        super().__init__()
        inner = (MultiScaleBlock(width, columns, reduction) for _ in range(blocks))
        self.body = nn.Sequential(*inner, bare_conv3x3(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        change: Tensor = self.body(x)
        return x + change


class MIRNet(nn.Module):
    """Groups of multi-scale blocks with dual attention that predict the noise. Blind.

    Every block keeps features at full, half and quarter size, refines them by spatial and channel
    attention, and fuses them by attention. The channel attention takes means over the whole image,
    so a tile has another result than the whole image. `sigma` is ignored.

    The defaults are the published network for denoising, of 31.8 million parameters. There, all
    attention units share the slope of one PReLU; here each has its own. Any height and width is
    accepted: the batch is padded by mirroring to a multiple of `size_multiple`.

    1024x1024 pixels at once take about 4 GB in float32.

    Reference: https://arxiv.org/abs/2003.06792

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; they double at each of two halvings.
        groups: Number of groups.
        blocks: Multi-scale blocks of each group.
        columns: How often the features of each size are refined in a block, at least 2.
        reduction: Divisor of the width inside of the channel attention.

    Attributes:
        size_multiple: 4.

    Raises:
        ArgumentError: `columns` is below 2, or another argument below 1.

    Example:
        >>> model = restorekit.create_model("mirnet", channels=1, width=8, groups=1, blocks=1)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        groups: int = 3,
        blocks: int = 2,
        columns: int = 2,
        reduction: int = 8,
    ) -> None:
        super().__init__()
        check_at_least(1, "mirnet", channels=channels, width=width, groups=groups, blocks=blocks)
        check_at_least(1, "mirnet", reduction=reduction)
        check_at_least(2, "mirnet", columns=columns)
        self.channels = channels
        self.size_multiple = 2 ** (SCALES - 1)
        self.conv_in = bare_conv3x3(channels, width)
        self.body = nn.Sequential(
            *(Group(width, blocks, columns, reduction) for _ in range(groups))
        )
        self.conv_out = bare_conv3x3(width, channels)

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
        check_batch(noisy, self.channels, "mirnet")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        change = self.conv_out(self.body(self.conv_in(x)))
        return (noisy + crop(change, size)).to(noisy.dtype)


def _downscale(width: int, steps: int) -> nn.Sequential:
    """Layers that halve the size and double the width, `steps` times."""
    return nn.Sequential(*(_halving(width * 2**step) for step in range(steps)))


def _upscale(width: int, steps: int) -> nn.Sequential:
    """Layers that double the size and halve the width, `steps` times."""
    return nn.Sequential(*(_doubling(width // 2**step) for step in range(steps)))


def _halving(width: int) -> TwoPaths:
    return TwoPaths(
        (
            *(bare_conv1x1(width, width), nn.PReLU()),
            *(bare_conv3x3(width, width), nn.PReLU()),
            *(BlurDownsample(width), bare_conv1x1(width, 2 * width)),
        ),
        (BlurDownsample(width), bare_conv1x1(width, 2 * width)),
    )


def _doubling(width: int) -> TwoPaths:
    doubled = nn.ConvTranspose2d(width, width, 3, 2, padding=1, output_padding=1, bias=False)
    return TwoPaths(
        (
            *(bare_conv1x1(width, width), nn.PReLU()),
            *(doubled, nn.PReLU()),
            bare_conv1x1(width, width // 2),
        ),
        (nn.Upsample(scale_factor=2, mode="bilinear"), bare_conv1x1(width, width // 2)),
    )
