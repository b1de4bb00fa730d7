"""FFDNet: a plain stack of convolutions at half size that is told the noise level.

Zhang et al., FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising,
IEEE TIP 2018, https://arxiv.org/abs/1710.04026
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.errors import InputError


class FFDNet(nn.Module):
    """Convolutions on the 2x2 phases of the image and a map of the noise level.

    The image is taken apart into its four phases, each of half the size (channel 4c + 2y + x is
    channel c at the places (y, x) of every 2x2 square); the noise level is the last channel. What
    the convolutions make of this is put together again in the same order. Odd sizes repeat the last
    row or column, as the published implementation does.

    Published sizes: gray `channels=1, depth=15, width=64` (485,316 parameters), colour
    `channels=3, depth=12, width=96`.

    Reference: https://arxiv.org/abs/1710.04026

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        depth: Number of convolutions; null for the published one, 12 for colour and 15 for gray.
        width: Feature channels of each; null for the published one, 96 for colour and 64 for gray.
        residual: Predict the noise and not the image, which the paper does not do.

    Attributes:
        size_multiple: 2.

    Raises:
        ArgumentError: `depth` is below 2, or `channels` or `width` below 1.
    """

    def __init__(
        self,
        channels: int = 3,
        depth: int | None = None,
        width: int | None = None,
        residual: bool = False,
    ) -> None:
        super().__init__()
        depth = (15 if channels == 1 else 12) if depth is None else depth
        width = (64 if channels == 1 else 96) if width is None else width
        check_at_least(1, "ffdnet", channels=channels, width=width)
        check_at_least(2, "ffdnet", depth=depth)
        self.channels = channels
        self.size_multiple = 2
        self.residual = residual
        layers: list[nn.Module] = [conv3x3(4 * channels + 1, width), nn.ReLU(True)]
        for _ in range(depth - 2):
            layers += [conv3x3(width, width), nn.ReLU(True)]
        # A small last layer, for a residual network starts close to the identity then.
        layers.append(conv3x3(width, 4 * channels, gain=0.05 if residual else 1.0))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the noise's standard deviation on that scale, (B, 1, 1, 1), or a map
                (B, 1, H, W), whose 2x2 means are taken.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` is missing.
        """
        check_batch(noisy, self.channels, "ffdnet")
        if sigma is None:
            raise InputError("model 'ffdnet' needs the noise's sigma, on the scale of [0, 1]")
        image, size = pad_to_multiple(noisy, 2, mode="edge")
        phases = functional.pixel_unshuffle(image, 2)
        made = self.layers(torch.cat((phases, _level(sigma, phases)), dim=1))
        output = crop(functional.pixel_shuffle(made, 2), size)
        return (noisy - output if self.residual else output).to(noisy.dtype)


def _level(sigma: Tensor, phases: Tensor) -> Tensor:
    """The noise level at half size: (B, 1, H/2, W/2), of the type of the phases."""
    level = sigma.to(phases)
    if level.ndim == 4 and level.shape[-2:] != (1, 1):
        level = functional.avg_pool2d(pad_to_multiple(level, 2, mode="edge")[0], 2)
    # Not len(phases), which would tie an exported graph to one batch size.
    return level.expand(phases.shape[0], 1, *phases.shape[-2:])
