"""Restormer: a U-Net of transformer blocks whose attention is between channels.

Zamir et al., Restormer: Efficient Transformer for High-Resolution Image Restoration, CVPR 2022,
https://arxiv.org/abs/2111.09881
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.channel_norm import ChannelNorm, ScaleNorm
from restorekit.arch.padding import check_at_least, check_expansion
from restorekit.arch.transformer_unet import TransformerUNet, TransposedAttention, depthwise


class GatedFeedForward(nn.Module):
    """Two branches of a 1x1 and a depthwise convolution; the GELU of one multiplies the other."""

    def __init__(self, width: int, hidden: int, dilation: int = 1) -> None:
        super().__init__()
        self.project_in = nn.Conv2d(width, 2 * hidden, 1, bias=False)
        self.dwconv = depthwise(2 * hidden, dilation)
        self.project_out = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        gate, features = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        mixed: Tensor = self.project_out(functional.gelu(gate) * features)
        return mixed


class RestormerBlock(nn.Module):
    """Attention between channels and a gated feed-forward layer; both normalised and residual."""

    def __init__(self, width: int, heads: int, expansion: float, bias_free: bool) -> None:
        super().__init__()
        self.norm1 = layer_norm(width, bias_free)
        self.attn = TransposedAttention(width, heads)
        self.norm2 = layer_norm(width, bias_free)
        self.ffn = GatedFeedForward(width, int(width * expansion))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = x + self.attn(self.norm1(x))
        mixed: Tensor = x + self.ffn(self.norm2(x))
        return mixed


class Restormer(TransformerUNet):
    """Transformer blocks at four scales, with attention between channels. Blind: ignores `sigma`.

    The published denoising networks are of one size, 26.1 million parameters: for Gaussian noise in
    gray and in colour images, for each level and for levels from 0 to 50 of 255, and for the
    photographs of SIDD. Those for other tasks have `bias_free` off. The attention is computed over
    the whole image, so that tiles are restored slightly differently.

    1024x1024 pixels at once take about 7 GB in float32.
    For a colour patch of 256x256 pixels in float32, training keeps 12.5 GB of features, and
    0.5 GB with `checkpoint`.

    Reference: https://arxiv.org/abs/2111.09881

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size, an even number; they double at each smaller scale.
        blocks: Number of blocks at each of the four scales, from full size.
        refinement_blocks: Number of blocks after the decoder.
        heads: Number of attention heads at each scale.
        expansion: Hidden channels of each feed-forward layer, relative to the feature channels.
        bias_free: Use layer normalisation without subtraction of the mean and without a bias.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 8; height and width are padded to multiples of it by mirroring.

    Raises:
        ArgumentError: a number is below 1, or the feature channels cannot be divided among the
            heads.

    Example:
        >>> model = restorekit.create_model(
        ...     "restormer", width=8, blocks=[1, 1, 1, 1], refinement_blocks=1, heads=[1, 1, 2, 2]
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
        expansion: float = 2.66,
        bias_free: bool = True,
        checkpoint: bool = False,
    ) -> None:
        check_at_least(1, "restormer", width=width)
        check_expansion("restormer", width, expansion)
        make_block = partial(RestormerBlock, expansion=expansion, bias_free=bias_free)
        sizes = (channels, width, blocks, refinement_blocks, heads)
        super().__init__("restormer", make_block, *sizes, checkpoint)


def layer_norm(width: int, bias_free: bool) -> nn.Sequential:
    """The normalisation of a block, under the name that it has in published state dicts."""
    kind = ScaleNorm if bias_free else ChannelNorm
    return nn.Sequential(OrderedDict(body=kind(width, eps=1e-5)))
