"""Filters of noise batches, each sample with its own parameters."""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.luma import luma
from restorekit.noise.parameters import Draws

_NARROWEST = 0.05  # radius in pixels at which a Gaussian window has one weight other than zero


def reach_of(radius: float) -> int:
    """The pixels on each side that a Gaussian window of a radius extends to."""
    return ceil(2.5 * radius)


def blur(image: Tensor, radius: Tensor, reach: int) -> Tensor:
    """Blur each sample with a Gaussian window of its own.

    Args:
        image: (B, C, H, W); continued beyond its border by mirroring.
        radius: standard deviation of the window in pixels, (B, 1, 1, 1).
        reach: pixels of the window on each side, at least 2 radii.
    """
    window = _windows(radius, reach)
    return _separable(padded(image, reach), window / window.sum(1, keepdim=True))


def random_field(
    draw: Draws, channels: int, size: tuple[int, int], radius: Tensor, reach: int
) -> Tensor:
    """White normal noise of variance 1 that was blurred, and has variance 1 again.

    Args:
        draw: source of the random numbers.
        channels: number of independent fields of each sample.
        size: height and width.
        radius: standard deviation of the Gaussian window in pixels, (B, 1, 1, 1).
        reach: pixels of the window on each side, at least 2 radii.

    Returns:
        (B, channels, height, width).
    """
    window = _windows(radius, reach)
    window = window / window.square().sum(1, keepdim=True).sqrt()
    height, width = (length + 2 * reach for length in size)
    return _separable(draw.normal(draw.count, channels, height, width), window)


def convolved(image: Tensor, kernels: Tensor, groups: int = 1) -> Tensor:
    """Filter a batch with odd kernels (N, C / groups, k, k), mirroring it about its border."""
    return functional.conv2d(padded(image, kernels.shape[-1] // 2), kernels, groups=groups)


def padded(image: Tensor, count: int) -> Tensor:
    """Continue a batch by mirroring about its border pixels, which keeps the phase of a mosaic.

    Where it is too small for that, its border is repeated.
    """
    mode = "reflect" if min(image.shape[-2:]) > count else "replicate"
    return functional.pad(image, (count,) * 4, mode)


def brightness(image: Tensor) -> Tensor:
    """The luma of colours, else the mean of the channels: (B, C, H, W) -> (B, 1, H, W)."""
    return luma(image) if image.shape[1] == 3 else image.mean(1, keepdim=True)


def root_mean_square(image: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 1, 1, 1)."""
    return image.square().mean((1, 2, 3), keepdim=True).sqrt()


def constant(values: Any, like: Tensor) -> Tensor:
    """Numbers in (nested) tuples as a tensor of the device and dtype of `like`.

    The tensor is kept for later calls, because each transfer to a GPU waits for the GPU. It must
    not be written to.
    """
    return _constant(values, like.device, like.dtype)


@cache
def _constant(values: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # a tensor of inference mode could not be used in training
        return torch.tensor(values, device=device, dtype=dtype)


def _windows(radius: Tensor, reach: int) -> Tensor:
    """Gaussian windows (B, 2 * reach + 1) with a weight of 1 in the middle."""
    place = torch.arange(-reach, reach + 1, device=radius.device, dtype=radius.dtype)
    return (-(place**2) / (2 * radius.clamp(min=_NARROWEST).view(-1, 1) ** 2)).exp()


def _separable(image: Tensor, window: Tensor) -> Tensor:
    """Filter rows and columns with the window of each sample; the border is cut off."""
    count, channels, height, width = image.shape
    rows = window.repeat_interleave(channels, 0)[:, None, :, None]
    # Samples become groups of channels, so that one convolution filters all with their own window.
    stacked = image.reshape(1, -1, height, width)
    for kernels in (rows, rows.mT):
        stacked = functional.conv2d(stacked, kernels, groups=count * channels)
    return stacked.view(count, channels, *stacked.shape[-2:])
