"""FDnCNN: DnCNN that takes a map of the noise level and predicts the clean image.

Of the authors of Zhang et al., Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
Denoising, IEEE TIP 2017, https://arxiv.org/abs/1608.03981. They published it with DnCNN; the map of
the noise level is that of Zhang et al., FFDNet, IEEE TIP 2018, https://arxiv.org/abs/1710.04026.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch
from restorekit.arch.sigma_input import sigma_map


class FDnCNN(nn.Module):
    """Convolutions at full size on the image and a map of its noise level.

    It differs from `dncnn` in three points: the noise level is a further input channel, there is no
    batch normalisation, and the clean image is predicted instead of the noise. One network then
    serves a range of levels, and a level that changes within the image. All convolutions have a
    bias. The receptive field is 2 * `depth` + 1 pixels square.

    Reference: https://arxiv.org/abs/1608.03981

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        depth: Number of convolutions.
        width: Feature channels of each convolution.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: `depth` is below 2, or `channels` or `width` below 1.

    Example:
        >>> model = restorekit.create_model("fdncnn", channels=1, depth=4, width=8)
        >>> noisy, sigma = torch.rand(2, 1, 17, 20), torch.full((2, 1, 1, 1), 25 / 255)
        >>> model(noisy, sigma).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(self, channels: int = 3, depth: int = 20, width: int = 64) -> None:
        super().__init__()
        check_at_least(1, "fdncnn", channels=channels, width=width)
        check_at_least(2, "fdncnn", depth=depth)
        self.channels = channels
        self.size_multiple = 1
        layers: list[nn.Module] = [conv3x3(channels + 1, width), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [conv3x3(width, width), nn.ReLU(inplace=True)]
        layers.append(conv3x3(width, channels, gain=1.0))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: standard deviation of the noise on that scale, broadcastable to (B, 1, H, W).

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` is missing.
        """
        check_batch(noisy, self.channels, "fdncnn")
        image: Tensor = self.layers(torch.cat((noisy, sigma_map(sigma, noisy, "fdncnn")), dim=1))
        return image.to(noisy.dtype)
