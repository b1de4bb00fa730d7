"""AP-BSN: a blind-spot network on downsampled images, for noise that is correlated between pixels.

Lee, Son and Lee, AP-BSN: Self-Supervised Denoising for Real-World Images via Asymmetric PD and
Blind-Spot Network, CVPR 2022, https://arxiv.org/abs/2203.11799. Its blind-spot network is a light
form of that of Wu et al., Unpaired Learning of Deep Image Denoising, ECCV 2020,
https://arxiv.org/abs/2008.13711.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.blind_spot_layers import (
    PERIOD,
    DilatedBlock,
    make_patterns,
    make_tail,
    refined,
)
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.records import Restoration

BORDER = 2  # pixels of padding around each subimage


class CentreMaskedConv(nn.Conv2d):
    """Convolution of odd size with a weight of 0 at its centre: no pixel sees itself."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__(width, width, size, padding=size // 2)
        self.size = size
        mask = torch.ones(size, size)
        mask[size // 2, size // 2] = 0
        self.register_buffer("mask", mask, persistent=False)
        self.mask: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.size // 2)


class Branch(nn.Module):
    """A masked convolution, and blocks whose dilated convolutions keep its centre hidden.

    The masked convolution of size 2 `dilation` - 1 reaches less far than the dilated ones step, so
    that no path through them leads back to a pixel.
    """

    def __init__(self, width: int, depth: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            CentreMaskedConv(width, 2 * dilation - 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
            *(DilatedBlock(width, dilation) for _ in range(depth)),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        features: Tensor = self.body(x)
        return features


class BlindSpotNetwork(nn.Module):
    """Two branches of dilations 2 and 3: the estimate of each pixel from the others around it."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU(inplace=True))
        self.branch1 = Branch(width, depth, 2)
        self.branch2 = Branch(width, depth, 3)
        self.tail = make_tail(width, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = self.head(x)
        estimate: Tensor = self.tail(torch.cat((self.branch1(x), self.branch2(x)), dim=1))
        return estimate


class APBSN(nn.Module):
    """Blind-spot network on subimages of every `train_stride`-th pixel. Blind: `sigma` is ignored.

    Noise of cameras is correlated between near pixels, which a blind-spot network would learn to
    predict. In training the network therefore sees subimages in which neighbours are `train_stride`
    pixels apart. A restored image is made with the shorter `stride`, which keeps more detail. It is
    then refined: some of its pixels are replaced by those of the noisy image, and the network is
    applied once more, at full size; the mean of `refinements` such images is the result. Their
    places, random in the paper, are a fixed pattern here, so that the result is always the same.

    The network is trained on noisy images as their own targets, with the objective `blind_spot`.

    Restoring is slow: the network of 3.7 million parameters runs `refinements` + 2 times.

    Reference: https://arxiv.org/abs/2203.11799

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels; an even number.
        depth: Number of residual blocks of each branch.
        train_stride: Distance of the pixels of a subimage in training.
        stride: Distance of the pixels of a subimage when images are restored.
        refinements: Number of refined images whose mean is the result; 0 for no refinement.
        replaced: Part of the values that a refinement takes from the noisy image, from 0 to 1.

    Attributes:
        size_multiple: Least common multiple of `stride` and of the 16 pixels after which the
            pattern of the refinement repeats.

    Raises:
        ArgumentError: an argument is out of its range.

    Example:
        >>> model = restorekit.create_model("ap_bsn", width=4, depth=1, refinements=2).eval()
        >>> answer = model(torch.rand(1, 3, 17, 20))
        >>> answer.image.shape, list(answer.extras)
        (torch.Size([1, 3, 17, 20]), ['blind_mean'])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 128,
        depth: int = 9,
        train_stride: int = 5,
        stride: int = 2,
        refinements: int = 8,
        replaced: float = 0.16,
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "train_stride": train_stride, "stride": stride}
        check_at_least(1, "ap_bsn", depth=depth, **sizes)
        check_at_least(2, "ap_bsn", width=width)
        check_multiple(2, "ap_bsn", width=width)
        self.channels = channels
        self.size_multiple = math.lcm(PERIOD, stride)
        self.train_stride, self.stride = train_stride, stride
        self.bsn = BlindSpotNetwork(channels, width, depth)
        patterns = make_patterns("ap_bsn", channels, refinements, replaced)
        self.register_buffer("pattern", patterns, persistent=False)
        self.pattern: Tensor

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped. In `extras`,
            `blind_mean` is the estimate of each pixel from others that are `train_stride` or more
            pixels away. In training both are the same.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "ap_bsn")
        padded, size = pad_to_multiple(noisy, self.train_stride, mode="zero")
        blind = crop(self._blind(padded, self.train_stride), size).to(noisy.dtype)
        if self.training:
            return Restoration(blind, {"blind_mean": blind})
        padded, size = pad_to_multiple(noisy, self.stride, mode="zero")
        image = self._blind(padded, self.stride)
        if len(self.pattern):
            image = refined(image, padded, self.pattern, self.bsn)
        return Restoration(crop(image, size).to(noisy.dtype), {"blind_mean": blind})

    def _blind(self, noisy: Tensor, stride: int) -> Tensor:
        """The estimate of each pixel from others of its subimage."""
        subimages: Tensor = self.bsn(side_by_side(noisy, stride))
        return put_together(subimages, stride)


def side_by_side(x: Tensor, stride: int) -> Tensor:
    """The subimages of every `stride`-th pixel in one image, each with a border of zeros.

    Args:
        x: (B, C, H, W), with H and W multiples of `stride`.

    Returns:
        (B, C, H + 4 `stride`, W + 4 `stride`).

    Example:
        >>> side_by_side(torch.arange(1.0, 5.0).reshape(1, 1, 2, 2), 2)[0, 0, 2::5, 2::5]
        tensor([[1., 2.],
                [3., 4.]])
    """
    phases = functional.pad(functional.pixel_unshuffle(x, stride), (BORDER,) * 4)
    cells = phases.unflatten(1, (-1, stride, stride))  # (B, C, row, column, h, w)
    joined: Tensor = cells.transpose(3, 4).flatten(2, 3).flatten(3, 4)
    return joined


def put_together(x: Tensor, stride: int) -> Tensor:
    """The image whose subimages are side by side; the inverse of `side_by_side`."""
    cells = x.unflatten(3, (stride, -1)).unflatten(2, (stride, -1)).transpose(3, 4)
    phases = functional.pad(cells.flatten(1, 3), (-BORDER,) * 4)
    image: Tensor = functional.pixel_shuffle(phases, stride)
    return image
