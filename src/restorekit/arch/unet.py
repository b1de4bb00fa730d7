"""U-Net: an encoder and a decoder, joined by skip connections at every scale.

Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015,
https://arxiv.org/abs/1505.04597, with padded convolutions and, for denoising, the noise as what
the network predicts (Zhang et al., https://arxiv.org/abs/1608.03981).
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

DEEPEST = 16  # halvings: more than any picture has, and the width doubles with each


class ConvBlock(nn.Sequential):
    """Two 3x3 convolutions, each with a ReLU: (B, C_in, H, W) -> (B, C_out, H, W).

    ReLU, because SiLU and GELU learned more slowly in trainings of a few minutes.
    Nothing is normalised: statistics of a batch or of a whole image would make the result depend
    on the neighbours in the batch, on the tile, and on training at another size.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            conv3x3(in_channels, out_channels),
            nn.ReLU(inplace=True),
            conv3x3(out_channels, out_channels),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Encoder and decoder with skip connections; blind, so `sigma` is ignored.

    At scale s of `depth` + 1 the features have `width` * 2^s channels and 1/2^s of the size.
    Any height and width is taken: the batch is mirrored up to a multiple of `size_multiple`.

    Reference: https://arxiv.org/abs/1505.04597

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        width: Feature channels at full size; parameters and time grow with its square.
        depth: How often the size is halved; each step doubles what a pixel can see.
        residual: Add the input to the output, so that the network predicts only the noise.

    Attributes:
        size_multiple: 2^depth.

    Raises:
        ArgumentError: `channels`, `width` or `depth` is below 1, or `depth` above 16.
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
        # A residual network starts close to the identity. Not at it: a last layer of zeros would
        # pass no gradient to the others.
        self.tail = conv3x3(width, channels, gain=0.05 if residual else 1.0)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`; not clamped.

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
