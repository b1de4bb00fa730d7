"""Statistics of natural scenes, which BRISQUE and NIQE measure.

An image minus its local mean, divided by its local standard deviation, has nearly the same
distribution in all photographs without degradation (Ruderman, 1994). Noise, blur and compression
change it. Images are luma in 8-bit levels, as in the publications.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from restorekit.luma import luma

_SIDE, _SIGMA = 7, 7 / 6  # of the Gaussian window
_SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # to the neighbours whose products are measured
_MARGIN = 8  # pixels; half of it is the reach of the cubic filter after halving


def levels(images: Tensor) -> Tensor:
    """The luma of gray or colour images in whole 8-bit levels, (B, 1, H, W) in float64."""
    scaled = images.double() * 255
    # A luma of exactly a half is rounded up, whatever the error of its computation is.
    return ((scaled if images.shape[1] == 1 else luma(scaled)) + 1e-4).round()


def normalised(image: Tensor, padding: Literal["constant", "replicate"]) -> Tensor:
    """Images (B, 1, H, W) minus their local mean, divided by the local standard deviation plus 1.

    Args:
        image: luma in 8-bit levels.
        padding: what is beyond the border: zeros, or the pixels of the border.
    """
    places = torch.arange(_SIDE, dtype=image.dtype, device=image.device) - _SIDE // 2
    window = torch.exp(-(places**2) / (2 * _SIGMA**2))
    window = torch.outer(window, window) / window.sum() ** 2

    def smoothed(values: Tensor) -> Tensor:
        padded = F.pad(values, (_SIDE // 2,) * 4, mode=padding)
        return F.conv2d(padded, window[None, None])

    mean = smoothed(image)
    deviation = (smoothed(image**2) - mean**2).abs().sqrt()
    return (image - mean) / (deviation + 1)


def halved(image: Tensor) -> Tensor:
    """Images (B, 1, H, W) at half the size, as MATLAB's `imresize(image, 0.5)` computes it."""
    height, width = image.shape[-2:]
    # Beyond the border the image is mirrored; an odd side ends with half of a pixel.
    extended = _mirrored(_mirrored(image, -1, width % 2), -2, height % 2)
    small = F.interpolate(
        extended, scale_factor=0.5, mode="bicubic", antialias=True, recompute_scale_factor=False
    )
    cut = _MARGIN // 2
    return small[..., cut:-cut, cut:-cut]


def symmetric_fit(values: Tensor) -> tuple[Tensor, Tensor]:
    """Fit generalised Gaussian distributions of mean 0 by their moments.

    Args:
        values: (..., H, W), each a sample of one distribution.

    Returns:
        shape and variance, (...).
    """
    variance = values.square().mean((-2, -1))
    ratio = values.abs().mean((-2, -1)).square() / variance
    return _shape_of(ratio, inverse=True), variance


def asymmetric_fit(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit generalised Gaussian distributions whose two halves have different widths.

    Args:
        values: (..., H, W), each a sample of one distribution.

    Returns:
        shape, and the standard deviations of the left and the right half, (...). They are NaN for
        a sample without negative or without positive values.
    """
    left, right = (_deviation(values, side) for side in (values < 0, values > 0))
    uneven = left / right
    ratio = values.abs().mean((-2, -1)).square() / values.square().mean((-2, -1))
    ratio = ratio * (uneven**3 + 1) * (uneven + 1) / (uneven**2 + 1) ** 2
    return _shape_of(ratio), left, right


def neighbour_products(values: Tensor) -> list[Tensor]:
    """The products of each value of (..., H, W) with four of its neighbours, which go round."""
    return [values * values.roll(shift, (-2, -1)) for shift in _SHIFTS]


def _deviation(values: Tensor, mask: Tensor) -> Tensor:
    counts = mask.sum((-2, -1), dtype=values.dtype)
    return ((values * mask).square().sum((-2, -1)) / counts).sqrt()


def _shape_of(ratio: Tensor, *, inverse: bool = False) -> Tensor:
    """The shape, from 0.2 to 10 in steps of 0.001, whose ratio of moments is nearest.

    The ratio is the squared mean of the absolute values over the mean of the squares; with
    `inverse`, what is nearest is measured on its inverse.
    """
    shapes = 0.2 + 0.001 * torch.arange(9801, dtype=ratio.dtype, device=ratio.device)
    table = torch.exp(
        2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes)
    )
    if inverse:  # which falls with the shape
        table, ratio = -1 / table, -1 / ratio
    places = torch.bucketize(ratio.contiguous(), (table[1:] + table[:-1]) / 2)
    return torch.where(ratio.isnan(), ratio, shapes[places])


def _mirrored(image: Tensor, axis: int, more: int) -> Tensor:
    """Extend both ends of an axis by mirroring; the end by `more` pixels in addition."""
    length = image.shape[axis]
    start = image.narrow(axis, 0, _MARGIN).flip(axis)
    end = image.narrow(axis, length - _MARGIN - more, _MARGIN + more).flip(axis)
    return torch.cat([start, image, end], axis)
