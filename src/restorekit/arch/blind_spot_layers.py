"""What blind-spot networks on subimages share: dilated blocks, the last layers, the refinement.

Lee, Son and Lee, AP-BSN: Self-Supervised Denoising for Real-World Images via Asymmetric PD and
Blind-Spot Network, CVPR 2022, https://arxiv.org/abs/2203.11799
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.errors import ArgumentError
from restorekit.mirroring import mirrored_border

PERIOD = 16  # pixels after which the places of the refinement repeat, so that tiles share them
BORDER = 2  # pixels by which the refinement mirrors an image


class DilatedBlock(nn.Module):
    """Residual block of a dilated 3x3 and a 1x1 convolution."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y: Tensor = self.body(x)
        return x + y


def make_tail(width: int, channels: int) -> nn.Sequential:
    """1x1 convolutions from the features of two branches to the image."""
    half = width // 2
    return nn.Sequential(
        nn.Conv2d(2 * width, width, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, half, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(half, half, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(half, channels, 1),
    )


def make_patterns(model: str, channels: int, refinements: int, replaced: float) -> Tensor:
    """The places that each refinement takes from the noisy image; they are always the same.

    Args:
        model: the registered name of the model, for messages.
        channels: channels of the image.
        refinements: number of patterns.
        replaced: their share of the values.

    Returns:
        bool (refinements, channels, PERIOD, PERIOD).

    Raises:
        ArgumentError: the number is below 0, or the share not from 0 to 1.
    """
    if refinements < 0:
        raise ArgumentError(
            f"model '{model}': argument 'refinements' must be at least 0, not {refinements}"
        )
    if not 0 <= replaced <= 1:
        raise ArgumentError(
            f"model '{model}': argument 'replaced' must be from 0 to 1, not {replaced}"
        )
    random = torch.Generator().manual_seed(0)
    # On the CPU, as the generator, also where another device is the default.
    shape = (refinements, channels, PERIOD, PERIOD)
    return torch.rand(shape, generator=random, device="cpu") < replaced


def refined(
    image: Tensor, noisy: Tensor, patterns: Tensor, restore: Callable[[Tensor], Tensor]
) -> Tensor:
    """The mean of estimates from the image, with other values of the noisy one each time.

    Args:
        image: restored batch, (B, C, H, W).
        noisy: the noisy batch, of the same shape.
        patterns: where values of `noisy` replace those of `image`, bool (N, C, PERIOD, PERIOD).
        restore: maps a batch to an estimate of the same shape.
    """
    height, width = image.shape[-2:]
    rows, columns = (torch.arange(n, device=image.device) % PERIOD for n in (height, width))
    total = torch.zeros_like(image)
    for pattern in patterns.to(image.device):
        is_noisy = pattern.index_select(1, rows).index_select(2, columns)
        mixed = torch.where(is_noisy, noisy.to(image.dtype), image)
        total = total + functional.pad(restore(mirrored(mixed, BORDER)), (-BORDER,) * 4)
    return total / len(patterns)


def mirrored(x: Tensor, border: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H + 2 `border`, W + 2 `border`), mirrored about its outer pixels."""
    for axis in (2, 3):
        x = x.index_select(axis, mirrored_border(x.shape[axis], border, x.device))
    return x
