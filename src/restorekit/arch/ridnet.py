"""RIDNet: enhancement attention modules for real photographs.

Anwar and Barnes, Real Image Denoising with Feature Attention, ICCV 2019,
https://arxiv.org/abs/1904.07396
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from restorekit.arch.channel_attention import ChannelAttention
from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch

# Mean red, green and blue of the DIV2K photographs, and of all three for other channels.
_MEANS = (0.4488, 0.4371, 0.4040)
_MEAN = 0.4300


class Merge(nn.Module):
    """Two branches of dilated convolutions, merged by a third convolution and added to the input.

    The dilations are 1 and 2 in one branch, and 3 and 4 in the other.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Sequential(*_conv_relu(width), *_conv_relu(width, dilation=2))
        self.far = nn.Sequential(*_conv_relu(width, dilation=3), *_conv_relu(width, dilation=4))
        self.merge = nn.Sequential(conv3x3(2 * width, width), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        merged: Tensor = self.merge(torch.cat((self.near(x), self.far(x)), dim=1))
        return merged + x


class Residual(nn.Module):
    """Convolutions, added to the input, and a ReLU."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return relu(self.body(x) + x)


class RIDNet(nn.Module):
    """Four enhancement attention modules between two convolutions. Blind: `sigma` is ignored.

    A module has dilated convolutions in two branches, two residual blocks and a channel attention.
    The attention takes means over the whole image, so that the result for a tile differs a little
    from that for the image. The mean colour is subtracted first. With 3 channels and the default
    width there are 1,499,371 parameters, published as 1.5 million.

    Reference: https://arxiv.org/abs/1904.07396

    Args:
        channels: Channels of the image. The paper has 3, for gray and for colour.
        width: Feature channels.
        blocks: Number of enhancement attention modules.
        reduction: Divisor of the width inside the channel attention.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: an argument is below 1.

    Example:
        >>> model = restorekit.create_model("ridnet", channels=1, width=8, blocks=1)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self, channels: int = 3, width: int = 64, blocks: int = 4, reduction: int = 16
    ) -> None:
        super().__init__()
        check_at_least(
            1, "ridnet", channels=channels, width=width, blocks=blocks, reduction=reduction
        )
        self.channels = channels
        self.size_multiple = 1
        self.subtract_mean = _shift(channels, -1)
        self.head = nn.Sequential(conv3x3(channels, width), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(
            *(_enhancement_attention(width, max(1, width // reduction)) for _ in range(blocks))
        )
        self.tail = conv3x3(width, channels, gain=0.05)
        self.add_mean = _shift(channels, 1)
        # Without this the untrained network would add the mean colour to the image.
        self.tail.bias = nn.Parameter(-self.add_mean.bias.detach())  # type: ignore[union-attr]

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
        check_batch(noisy, self.channels, "ridnet")
        features = self.blocks(self.head(self.subtract_mean(noisy)))
        change: Tensor = self.add_mean(self.tail(features))
        return (noisy + change).to(noisy.dtype)


def _conv_relu(width: int, dilation: int = 1) -> tuple[nn.Module, nn.Module]:
    return conv3x3(width, width, dilation=dilation), nn.ReLU(inplace=True)


def _enhancement_attention(width: int, inner: int) -> nn.Sequential:
    """One module: (B, C, H, W) -> (B, C, H, W)."""
    return nn.Sequential(
        Merge(width),
        Residual(*_conv_relu(width), conv3x3(width, width, gain=1.0)),
        Residual(*_conv_relu(width), *_conv_relu(width), nn.Conv2d(width, width, 1)),
        ChannelAttention(width, inner),
    )


def _shift(channels: int, sign: int) -> nn.Conv2d:
    """A 1x1 convolution that adds the mean colour times `sign`; trained, as the published one."""
    means = _MEANS if channels == 3 else (_MEAN,) * channels
    layer = nn.Conv2d(channels, channels, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(channels)[..., None, None])
        layer.bias.copy_(sign * torch.tensor(means))  # type: ignore[union-attr]
    return layer
