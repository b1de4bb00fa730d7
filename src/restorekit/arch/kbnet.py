"""KBNet: convolution kernels that are mixed at each pixel from a learned basis.

Zhang et al., KBNet: Kernel Basis Network for Image Restoration, 2023,
https://arxiv.org/abs/2303.02881
"""

from __future__ import annotations

import itertools
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.block_unet import BlockUNet
from restorekit.arch.channel_norm import ChannelNorm
from restorekit.arch.checkpointing import recomputed
from restorekit.arch.nafnet import SimpleGate
from restorekit.arch.padding import check_multiple
from restorekit.arch.transformer_unet import TransformerUNet, TransposedAttention, depthwise
from restorekit.errors import ArgumentError

_BASIS = 32  # number of kernels in each basis
_SIDE = 3  # of each kernel


def mix_kernels(features: Tensor, coefficients: Tensor, kernels: Tensor, biases: Tensor) -> Tensor:
    """A grouped 3x3 convolution whose kernel at each pixel is a linear combination of a basis.

    The kernels of all pixels take `group` * 9 times the memory of the features. They are therefore
    computed for one of their 9 taps at a time.

    Args:
        features: (B, C, H, W).
        coefficients: of the kernels at each pixel, (B, N, H, W).
        kernels: the basis, (1, N, C * group * 9): for each output channel, the taps of each input
            channel of its group, row by row.
        biases: of the kernels, (1, N, C).

    Returns:
        The convolved features, (B, C, H, W).
    """
    channels, height, width = features.shape[1:]
    group = kernels.shape[-1] // (channels * _SIDE**2)
    groups = channels // group
    mixture = coefficients.flatten(2)
    taps = kernels[0].unflatten(-1, (-1, _SIDE**2)).permute(2, 1, 0)  # (9, C * group, N)
    padded = functional.pad(features, (_SIDE // 2,) * 4).unflatten(1, (groups, 1, group))
    result: Tensor = (biases[0].T @ mixture).reshape(-1, groups, group, height, width)
    for tap, (row, column) in zip(taps, itertools.product(range(_SIDE), repeat=2), strict=True):
        weights = (tap @ mixture).reshape(-1, groups, group, group, height, width)
        shifted = padded[..., row : row + height, column : column + width]
        result = result + (weights * shifted).sum(3)
    return result.flatten(1, 2)


class KernelBasisAttention(nn.Module):
    """What the blocks of both networks share: a basis of kernels, and layers for its coefficients.

    Args:
        width: channels of the block's input, from which the coefficients are computed.
        features: channels that are convolved.
        group: input channels of each kernel, a divisor of `features`.
        hidden: hidden channels of the branch with a 3x3 convolution, an even divisor of `width`.
    """

    def __init__(self, width: int, features: int, group: int, hidden: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(1, _BASIS, features * group * _SIDE**2))
        self.b = nn.Parameter(torch.empty(1, _BASIS, features))
        bound = self.w[0].numel() ** -0.5
        nn.init.uniform_(self.w, -bound, bound)
        nn.init.uniform_(self.b, -bound, bound)
        self.conv2 = nn.Sequential(
            nn.Conv2d(width, hidden, 3, padding=1, groups=hidden),
            SimpleGate(),
            nn.Conv2d(hidden // 2, _BASIS, 1),
        )
        self.conv211 = nn.Conv2d(width, _BASIS, 1)
        self.attgamma = _small(_BASIS)
        self.ga1 = _small(features)

    def attend(self, x: Tensor, features: Tensor) -> Tensor:
        """Add the convolution by mixed kernels to features; the coefficients are those of `x`."""
        coefficients = self.conv2(x) * self.attgamma + self.conv211(x)
        # Recomputed, as in the published implementation: its intermediate results are large.
        mixed = recomputed(mix_kernels, features, coefficients, self.w, self.b)
        return mixed * self.ga1 + features


class KBBlockS(KernelBasisAttention):
    """Three branches that are multiplied, then a gated feed-forward layer; both residual.

    The branches are mixed kernels, plain convolutions and channel attention.
    """

    def __init__(self, width: int, expansion: float, lightweight: bool) -> None:
        super().__init__(width, width, group=4, hidden=min(width, 32))
        hidden = _hidden_channels("kbnet_s", width, expansion)
        side, groups = (3, width) if lightweight else (5, width // 4)
        self.norm1 = ChannelNorm(width, eps=1e-6)
        self.sca = _channel_attention(width, width)
        self.conv11 = nn.Sequential(
            nn.Conv2d(width, width, 1),
            nn.Conv2d(width, width, side, padding=side // 2, groups=groups),
        )
        self.conv1 = nn.Conv2d(width, width, 1)
        self.conv21 = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.conv3 = nn.Conv2d(width, width, 1)
        self.norm2 = ChannelNorm(width, eps=1e-6)
        self.conv4 = nn.Conv2d(width, hidden, 1)
        self.conv5 = nn.Conv2d(hidden // 2, width, 1)
        self.gate = SimpleGate()
        self.beta = _small(width)
        self.gamma = _small(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        normed = self.norm1(x)
        kernels = self.attend(normed, self.conv21(self.conv1(normed)))
        product = kernels * self.conv11(normed) * self.sca(normed)
        x = x + self.conv3(product) * self.beta
        mixed: Tensor = self.conv5(self.gate(self.conv4(self.norm2(x))))
        return x + mixed * self.gamma


class KBNetS(BlockUNet):
    """The denoising network: blocks of mixed kernels in a U-Net. Blind: `sigma` is ignored.

    The published networks for Gaussian noise have the default sizes, one for each level. That for
    the photographs of SIDD has `lightweight` on and `expansion` 1.5. Zeros are added at the bottom
    and the right of sizes that are not multiples of `size_multiple`. The channel attention takes
    means over the whole image, so that tiles are restored slightly differently.

    1024x1024 pixels at once take about 5 GB in float32.
    For a colour patch of 256x256 pixels in float32, training keeps 2.9 GB of features, and
    0.2 GB with `checkpoint`.

    Reference: https://arxiv.org/abs/2303.02881

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size, 4, 8, 16 or a multiple of 32; they double at each
            smaller scale.
        encoder_blocks: Number of blocks at each scale of the encoder, from full size.
        middle_blocks: Number of blocks at the smallest size.
        decoder_blocks: Number of blocks at each scale of the decoder, from the smallest size.
        expansion: Hidden channels of each feed-forward layer, relative to the feature channels.
        lightweight: Depthwise 3x3 instead of grouped 5x5 convolutions in the plain branch.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 2^n for n scales of the encoder.

    Raises:
        ArgumentError: a number is below 1, encoder and decoder differ in their number of scales, or
            `width` or `expansion` gives channels that cannot be divided among groups.

    Example:
        >>> model = restorekit.create_model(
        ...     "kbnet_s", width=4, encoder_blocks=[1], middle_blocks=1, decoder_blocks=[1]
        ... )
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        encoder_blocks: tuple[int, ...] = (2, 2, 4, 8),
        middle_blocks: int = 12,
        decoder_blocks: tuple[int, ...] = (2, 2, 2, 2),
        expansion: float = 2.0,
        lightweight: bool = False,
        checkpoint: bool = False,
    ) -> None:
        _check_width("kbnet_s", width, (4, 8, 16, 32))
        make_block = partial(KBBlockS, expansion=expansion, lightweight=lightweight)
        blocks = (encoder_blocks, middle_blocks, decoder_blocks)
        super().__init__("kbnet_s", make_block, channels, width, *blocks, checkpoint)


class MultiAxisFusion(KernelBasisAttention):
    """The feed-forward layer of `kbnet_l`: the same three branches, one of them through a GELU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(width, hidden, group=2, hidden=min(width, 24))
        self.dwconv = _pointwise_depthwise(width, hidden)
        self.conv1 = _pointwise_depthwise(width, hidden)
        self.sca = _channel_attention(width, hidden)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        kernels = self.attend(x, self.conv1(x))
        product = functional.gelu(self.dwconv(x)) * kernels * self.sca(x)
        mixed: Tensor = self.project_out(product)
        return mixed


class KBBlockL(nn.Module):
    """Multi-axis fusion, then attention between channels; both normalised and residual.

    The published state dict names the fusion `attn`, and the attention `ffn`.
    """

    def __init__(self, width: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width, eps=1e-6)
        self.attn = MultiAxisFusion(width, _hidden_channels("kbnet_l", width, expansion))
        self.norm2 = ChannelNorm(width, eps=1e-6)
        self.ffn = TransposedAttention(width, heads)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = x + self.attn(self.norm1(x))
        mixed: Tensor = x + self.ffn(self.norm2(x))
        return mixed


class KBNetL(TransformerUNet):
    """The large network: mixed kernels and channel attention at four scales. Ignores `sigma`.

    Its published networks remove rain and defocus blur. The attention is computed over the whole
    image, so that tiles are restored slightly differently.

    1024x1024 pixels at once take about 7 GB in float32.
    For a colour patch of 256x256 pixels in float32, training keeps 10.5 GB of features, and
    0.5 GB with `checkpoint`.

    Reference: https://arxiv.org/abs/2303.02881

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size, 6, 12 or a multiple of 24; they double at each smaller
            scale.
        blocks: Number of blocks at each of the four scales, from full size.
        refinement_blocks: Number of blocks after the decoder.
        heads: Number of attention heads at each scale.
        expansion: Channels of each fusion, relative to the feature channels.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 8; height and width are padded to multiples of it by mirroring.

    Raises:
        ArgumentError: a number is below 1, or the channels cannot be divided among heads or groups.

    Example:
        >>> model = restorekit.create_model(
        ...     "kbnet_l", width=12, blocks=[1, 1, 1, 1], refinement_blocks=1, heads=[1, 1, 2, 2]
        ... )
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 48,
        blocks: tuple[int, int, int, int] = (4, 6, 6, 8),
        refinement_blocks: int = 4,
        heads: tuple[int, int, int, int] = (1, 2, 4, 8),
        expansion: float = 1.5,
        checkpoint: bool = False,
    ) -> None:
        _check_width("kbnet_l", width, (6, 12, 24))
        make_block = partial(KBBlockL, expansion=expansion)
        sizes = (channels, width, blocks, refinement_blocks, heads)
        super().__init__("kbnet_l", make_block, *sizes, checkpoint)


def _check_width(model: str, width: int, units: tuple[int, ...]) -> None:
    """Check that each scale divides its channels: below the last unit, `width` is one of them."""
    unit = next((unit for unit in units if max(width, 1) <= unit), units[-1])
    check_multiple(unit, model, width=width)


def _hidden_channels(model: str, width: int, expansion: float) -> int:
    """The channels that are made of `width`, an even number."""
    hidden = int(width * expansion)
    if hidden < 2 or hidden % 2:
        raise ArgumentError(
            f"model '{model}': argument 'expansion' must give an even number of channels at each "
            f"scale; {expansion} gives {hidden} for {width} feature channels"
        )
    return hidden


def _small(channels: int) -> nn.Parameter:
    """Factors of channels, 0.01 at first."""
    return nn.Parameter(torch.full((1, channels, 1, 1), 1e-2))


def _channel_attention(width: int, features: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, features, 1))


def _pointwise_depthwise(width: int, features: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, features, 1, bias=False), depthwise(features))
