"""U-Net: an encoder and a decoder, joined by skip connections at every scale.

Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015,
https://arxiv.org/abs/1505.04597. Unlike there, the convolutions are padded and the network predicts
the noise (Zhang et al., https://arxiv.org/abs/1608.03981).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from restorekit.arch.layers import conv3x3, downsample, upsample
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)

# The most halvings. Each doubles the width, and no picture is large enough for more.
DEEPEST = 16


class ConvBlock(nn.Sequential):
    """Two 3x3 convolutions, each with a ReLU: (B, C_in, H, W) -> (B, C_out, H, W).

    ReLU is used because SiLU and GELU learned more slowly in trainings of a few minutes.
    There is no normalisation: with statistics of a batch or of an image, the result would depend on
    the other images of the batch, on the tile, and on the patch size of the training.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            conv3x3(in_channels, out_channels),
            nn.ReLU(inplace=True),
            conv3x3(out_channels, out_channels),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Encoder and decoder with skip connections. Blind: `sigma` is ignored.

    There are `depth` + 1 scales. At scale s the features have `width` * 2^s channels, and height
    and width are divided by 2^s. Any height and width is accepted: the batch is padded by mirroring
    to a multiple of `size_multiple`.

    Reference: https://arxiv.org/abs/1505.04597

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; parameters and time grow with its square.
        depth: Number of halvings; each doubles the receptive field.
        residual: Add the input to the output, so that the network predicts only the noise.

    Attributes:
        size_multiple: 2^depth.

    Raises:
        ArgumentError: `channels`, `width` or `depth` is below 1, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("unet", channels=1, width=4, depth=2)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self, channels: int = 3, width: int = 24, depth: int = 3, residual: bool = True
    ) -> None:
        super().__init__()
        check_at_least(1, "unet", channels=channels, width=width, depth=depth)
        check_at_most(DEEPEST, "unet", depth=depth)
        self.channels = channels
        self.size_multiple = 2**depth
        self.residual = residual
        widths = [width * 2**scale for scale in range(depth + 1)]
        steps = list(pairwise(widths))  # (finer, coarser)
        self.head = ConvBlock(channels, width)
        self.downs = nn.ModuleList(downsample(fine, coarse) for fine, coarse in steps)
        self.encoders = nn.ModuleList(ConvBlock(coarse, coarse) for _, coarse in steps)
        self.ups = nn.ModuleList(upsample(coarse, fine) for fine, coarse in reversed(steps))
        self.decoders = nn.ModuleList(ConvBlock(2 * fine, fine) for fine, _ in reversed(steps))
        # With a small last layer a residual network starts close to the identity. A last layer of
        # zeros would pass no gradient to the other layers.
        self.tail = conv3x3(width, channels, gain=0.05 if residual else 1.0)

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
        check_batch(noisy, self.channels, "unet")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        features = self.head(x)
        skips = []
        for down, encoder in zip(self.downs, self.encoders, strict=True):
            skips.append(features)
            features = encoder(down(features))
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = decoder(torch.cat((skips.pop(), up(features)), dim=1))
        image = crop(self.tail(features), size)
        if self.residual:
            image = noisy + image
        return image.to(noisy.dtype)
