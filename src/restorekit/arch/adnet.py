"""ADNet: plain and dilated convolutions, and an attention that weighs the predicted noise.

Tian et al., Attention-guided CNN for Image Denoising, Neural Networks 2020,
https://doi.org/10.1016/j.neunet.2019.12.024
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch

_LAYERS = 16
_DILATED = (2, 5, 9, 12)


class ADNet(nn.Module):
    """Sixteen 3x3 convolutions that predict the noise, and one 1x1 convolution. Blind.

    Layers 2, 5, 9 and 12 have a dilation of 2 (the sparse block of the paper is layers 1 to 12).
    The predicted noise and the noisy image give weights, through tanh and the 1x1 convolution, with
    which the noise is multiplied before it is subtracted. `sigma` is ignored. The receptive field
    is 41 pixels square.

    Reference: https://doi.org/10.1016/j.neunet.2019.12.024

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of each convolution.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: `channels` or `width` is below 1.

    Example:
        >>> model = restorekit.create_model("adnet", channels=1, width=8)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(self, channels: int = 3, width: int = 64) -> None:
        super().__init__()
        check_at_least(1, "adnet", channels=channels, width=width)
        self.channels = channels
        self.size_multiple = 1
        layers: list[nn.Module] = []
        for number in range(1, _LAYERS):
            taken, dilation = channels if number == 1 else width, 2 if number in _DILATED else 1
            layers.append(conv3x3(taken, width, bias=False, dilation=dilation))
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers.append(conv3x3(width, channels, gain=0.05, bias=False))
        self.layers = nn.Sequential(*layers)
        self.attention = nn.Conv2d(2 * channels, channels, 1)

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
        check_batch(noisy, self.channels, "adnet")
        noise: Tensor = self.layers(noisy)
        weights: Tensor = self.attention(torch.cat((noisy, noise), dim=1).tanh())
        return (noisy - weights * noise).to(noisy.dtype)
