"""MWCNN: a U-Net whose pooling is a Haar wavelet transform, which loses nothing.

Liu et al., Multi-level Wavelet-CNN for Image Restoration, CVPR Workshops 2018,
https://arxiv.org/abs/1805.07071
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3, relu_convs
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple


class MWCNN(nn.Module):
    """Encoder and decoder of three scales, joined by Haar wavelet transforms. Blind.

    Each transform halves height and width and multiplies the channels by 4; its inverse does the
    opposite. The encoder's features are added to those of the decoder. The network predicts the
    noise with its sign, which is added to the input; `sigma` is ignored. All convolutions are 3x3
    with a bias. The default has the 24 layers of the paper.

    Reference: https://arxiv.org/abs/1805.07071

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the first scale, at half size.
        inner_width: Feature channels of the second and third scale.
        layers: Convolutions of each block: one at each scale of the encoder and of the decoder.

    Attributes:
        size_multiple: 8; height and width are padded to multiples of it by mirroring.

    Raises:
        ArgumentError: `layers` is below 2, or another argument below 1.

    Example:
        >>> model = restorekit.create_model("mwcnn", channels=1, width=4, inner_width=8, layers=2)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self, channels: int = 3, width: int = 160, inner_width: int = 256, layers: int = 4
    ) -> None:
        super().__init__()
        check_at_least(1, "mwcnn", channels=channels, width=width, inner_width=inner_width)
        check_at_least(2, "mwcnn", layers=layers)
        self.channels = channels
        self.size_multiple = 8
        more = layers - 1
        self.encoder1 = relu_convs(4 * channels, *[width] * layers)
        self.encoder2 = relu_convs(4 * width, *[inner_width] * layers)
        # The last blocks of the encoder and the first of the decoder, at the coarsest scale.
        inside = [inner_width] * (2 * layers - 1)
        self.middle = relu_convs(4 * inner_width, *inside, 4 * inner_width)
        self.decoder2 = relu_convs(inner_width, *[inner_width] * more, 4 * width)
        self.decoder1 = relu_convs(width, *[width] * more)
        # With a small last layer the network starts close to the identity.
        self.tail = conv3x3(width, 4 * channels, gain=0.05)

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
        check_batch(noisy, self.channels, "mwcnn")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        first = self.encoder1(haar(x))
        second = self.encoder2(haar(first))
        features = second + inverse_haar(self.middle(haar(second)))
        features = first + inverse_haar(self.decoder2(features))
        change = crop(inverse_haar(self.tail(self.decoder1(features))), size)
        return (noisy + change).to(noisy.dtype)


def haar(x: Tensor) -> Tensor:
    """The orthonormal Haar wavelet transform of one level.

    Args:
        x: (B, C, H, W), with even H and W.

    Returns:
        (B, 4C, H/2, W/2): the means of the 2x2 squares times 2, then the horizontal, vertical and
        diagonal differences, C channels each.

    Example:
        >>> haar(torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]])).flatten()
        tensor([8., 2., 4., 0.])
    """
    squares = functional.pixel_unshuffle(x, 2).unflatten(1, (-1, 4))
    top_left, top_right, bottom_left, bottom_right = squares.unbind(2)
    bands = (
        top_left + top_right + bottom_left + bottom_right,
        top_right + bottom_right - top_left - bottom_left,
        bottom_left + bottom_right - top_left - top_right,
        top_left + bottom_right - top_right - bottom_left,
    )
    return torch.cat(bands, dim=1) / 2


def inverse_haar(bands: Tensor) -> Tensor:
    """The inverse of `haar`: (B, 4C, H, W) -> (B, C, 2H, 2W)."""
    mean, horizontal, vertical, diagonal = bands.chunk(4, dim=1)
    squares = (
        mean - horizontal - vertical + diagonal,
        mean + horizontal - vertical - diagonal,
        mean - horizontal + vertical - diagonal,
        mean + horizontal + vertical + diagonal,
    )
    return functional.pixel_shuffle(torch.stack(squares, dim=2).flatten(1, 2) / 2, 2)
