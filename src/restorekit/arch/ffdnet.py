"""FFDNet: a plain stack of convolutions at half size that takes the noise level as input.

Zhang et al., FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising,
IEEE TIP 2018, https://arxiv.org/abs/1710.04026
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.arch.sigma_input import required_sigma, sigma_map


class FFDNet(nn.Module):
    """Convolutions on the 2x2 phases of the image and a map of the noise level.

    The image is split into its four phases, each of half the height and width (channel
    4c + 2y + x holds channel c at position (y, x) of every 2x2 square). The noise level is the last
    channel. The output is reassembled in the same order. For odd sizes the last row or column is
    repeated, as in the published implementation.

    Published sizes: gray `channels=1, depth=15, width=64` (485,316 parameters), colour
    `channels=3, depth=12, width=96`.

    Reference: https://arxiv.org/abs/1710.04026

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        depth: Number of convolutions; null for the published number, 12 for colour, 15 for gray.
        width: Feature channels of each convolution; null for the published number, 96 for colour
            and 64 for gray.
        residual: Predict the noise instead of the image. The paper predicts the image.

    Attributes:
        size_multiple: 2, the side of the squares that are split into phases.

    Raises:
        ArgumentError: `depth` is below 2, or `channels` or `width` below 1.

    Example:
        >>> model = restorekit.create_model("ffdnet", channels=3, depth=4, width=8)
        >>> noisy, sigma = torch.rand(2, 3, 17, 20), torch.full((2, 1, 1, 1), 25 / 255)
        >>> model(noisy, sigma).shape
        torch.Size([2, 3, 17, 20])
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
        # With a small last layer a residual network starts close to the identity.
        layers.append(conv3x3(width, 4 * channels, gain=0.05 if residual else 1.0))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: standard deviation of the noise on that scale, broadcastable to (B, 1, H, W); a
                map is averaged over 2x2 squares.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` is missing.
        """
        check_batch(noisy, self.channels, "ffdnet")
        level = required_sigma(sigma, noisy, "ffdnet")
        image, size = pad_to_multiple(noisy, 2, mode="edge")
        phases = functional.pixel_unshuffle(image, 2)
        restored_phases = self.layers(torch.cat((phases, _halved(level, phases)), dim=1))
        output = crop(functional.pixel_shuffle(restored_phases, 2), size)
        return (noisy - output if self.residual else output).to(noisy.dtype)


def _halved(sigma: Tensor, phases: Tensor) -> Tensor:
    """The noise level at half size: (B, 1, H/2, W/2), in the dtype of the phases."""
    level = sigma.to(phases)[(None,) * (4 - sigma.ndim)]
    if level.shape[-2:] != (1, 1):
        level = functional.avg_pool2d(pad_to_multiple(level, 2, mode="edge")[0], 2)
    return sigma_map(level, phases, "ffdnet")
