"""VDN: a network that infers the clean image, and another one that infers the noise level.

Yue et al., Variational Denoising Network: Toward Blind Noise Modeling and Removal, NeurIPS 2019,
https://arxiv.org/abs/1908.11314
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3, upsample
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)
from restorekit.records import Restoration

SLOPE = 0.2
# The most scales. Each doubles the width, and no picture is large enough for more.
DEEPEST = 16


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with a leaky ReLU: (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            conv3x3(in_channels, out_channels),
            nn.LeakyReLU(SLOPE, inplace=True),
            conv3x3(out_channels, out_channels),
            nn.LeakyReLU(SLOPE, inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        features: Tensor = self.block(x)
        return features


class UpBlock(nn.Module):
    """Double the size, concatenate the features of the encoder, and apply a `ConvBlock`."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.up = upsample(coarse, fine)
        self.conv_block = ConvBlock(2 * fine, fine)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(B, coarse, H, W) and (B, fine, 2H, 2W) -> (B, fine, 2H, 2W)."""
        features: Tensor = self.conv_block(torch.cat((self.up(x), skip), dim=1))
        return features


class DenoisingNetwork(nn.Module):
    """A U-Net: (B, channels, H, W) -> (B, 2 channels, H, W), the noise and a log-variance."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * 2**scale for scale in range(depth)]
        self.down_path = nn.ModuleList(ConvBlock(*pair) for pair in pairwise([channels, *widths]))
        self.up_path = nn.ModuleList(
            UpBlock(coarse, fine) for fine, coarse in reversed(list(pairwise(widths)))
        )
        # With a small last layer the network starts close to the identity.
        self.last = conv3x3(width, 2 * channels, gain=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """The parameters of the image's posterior."""
        skips: list[Tensor] = []
        for down in self.down_path:
            x = down(functional.avg_pool2d(x, 2) if skips else x)
            skips.append(x)
        skips.pop()
        for up in self.up_path:
            x = up(x, skips.pop())
        parameters: Tensor = self.last(x)
        return parameters


class SigmaNetwork(nn.Module):
    """Convolutions at full size: (B, channels, H, W) -> (B, 2 channels, H, W).

    The output is the logarithms of shape and scale of an inverse gamma distribution.
    """

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, width)
        self.relu = nn.LeakyReLU(SLOPE, inplace=True)
        middle: list[nn.Module] = []
        for _ in range(depth - 2):
            middle += [conv3x3(width, width), nn.LeakyReLU(SLOPE, inplace=True)]
        self.mid_layer = nn.Sequential(*middle)
        self.conv_last = conv3x3(width, 2 * channels, gain=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """The parameters of the noise variance's posterior."""
        parameters: Tensor = self.conv_last(self.mid_layer(self.relu(self.conv1(x))))
        return parameters


class VDN(nn.Module):
    """Variational denoising network, for use with the loss `vdn`. Blind: `sigma` is ignored.

    A U-Net predicts the noise, which is subtracted from the input, and the variance of what is left
    of it. A second network of five convolutions predicts the distribution of the noise variance of
    each pixel, an inverse gamma distribution. The second network shapes the training of the first
    one through the loss `vdn`; `noise_level` gives its estimate. It costs about a fifth of the
    time. Other losses train the first network only.

    The defaults are the published colour network of 7,816,780 parameters. Any height and width is
    accepted: the batch is padded by mirroring to a multiple of `size_multiple`. The submodules have
    the names of the published state dict.

    Reference: https://arxiv.org/abs/1908.11314

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the U-Net at full size; they double at each halving.
        depth: Scales of the U-Net.
        sigma_width: Feature channels of the network for the noise level.
        sigma_depth: Convolutions of the network for the noise level.

    Attributes:
        size_multiple: 2^(depth - 1).

    Raises:
        ArgumentError: an argument is below 1, `sigma_depth` below 2, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("vdn", channels=1, width=4, depth=2, sigma_width=4)
        >>> restoration = model(torch.rand(2, 1, 17, 20))
        >>> restoration.image.shape, sorted(restoration.extras)
        (torch.Size([2, 1, 17, 20]), ['image_log_variance', 'log_alpha', 'log_beta', 'noise'])
        >>> model.noise_level(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        depth: int = 4,
        sigma_width: int = 64,
        sigma_depth: int = 5,
    ) -> None:
        super().__init__()
        check_at_least(
            1, "vdn", channels=channels, width=width, depth=depth, sigma_width=sigma_width
        )
        check_at_least(2, "vdn", sigma_depth=sigma_depth)
        check_at_most(DEEPEST, "vdn", depth=depth)
        self.channels = channels
        self.size_multiple = 2 ** (depth - 1)
        self.DNet = DenoisingNetwork(channels, width, depth)
        self.SNet = SigmaNetwork(channels, sigma_width, sigma_depth)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped. The extras have
            the same shape: `noise`, which was subtracted; `image_log_variance`, that of the image;
            `log_alpha` and `log_beta`, the logarithms of shape and scale of the inverse gamma
            distribution of the noise variance.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "vdn")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        noise, log_variance = crop(self.DNet(x), size).to(noisy.dtype).chunk(2, dim=1)
        log_alpha, log_beta = self.SNet(noisy).to(noisy.dtype).chunk(2, dim=1)
        extras = {
            "noise": noise,
            "image_log_variance": log_variance,
            "log_alpha": log_alpha,
            "log_beta": log_beta,
        }
        return Restoration(noisy - noise, extras)

    def noise_level(self, noisy: Tensor) -> Tensor:
        """The estimated standard deviation of the noise of each pixel and channel.

        It is the root of the mode of the variance's distribution, as in the paper's prior.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].

        Returns:
            (B, C, H, W), on the scale of `noisy`.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "vdn")
        log_alpha, log_beta = self.SNet(noisy).chunk(2, dim=1)
        mode: Tensor = log_beta.exp() / (log_alpha.exp() + 1)
        return mode.sqrt()
