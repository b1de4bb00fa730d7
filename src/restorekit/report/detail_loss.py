"""How much of the visible fine detail of a picture was removed with its noise.

Removed detail looks like the detail that is still there: at an edge that was blurred, the residual
has the shape of the edge. Noise of any kind does not. The residual is therefore compared with the
fine detail of the restored picture in blocks of 8x8 pixels. The more detail a block has, the larger
is its product with removed detail. The product with noise that is partly left varies with the noise
that is left in the block, but not with the detail around it. The slope of the products over the
energy of the detail is therefore measured between areas, with the energy of the blocks around each
one as the instrumental variable. It is the removed amount relative to what is left. If the restored
picture is displaced, the residual resembles the derivatives of the detail instead.

The estimate is exact if all frequencies lose the same share, and too low for strong blurs. Texture
that was removed completely, where no trace of it is left, cannot be recognised in this way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_SIDE = 8
_ERRORS = 2.6  # standard errors below the estimate
# Where the energy of detail varies, it does so over areas. If it does not by that many standard
# deviations, there is hardly any detail, and a slope would mean nothing.
_RELEVANT = 5.0
_COARSE = 4  # how often the smoothing is repeated for the coarse end of the band
_GAIN = 0.4725  # of the band at its centre: the maximum of t - t^4


@dataclass(frozen=True)
class DetailLoss:
    """The removed share of the fine detail.

    Attributes:
        share: the estimate, from 0 to 1, of the amplitude of details of 4 to 6 pixels; 0 if it is
            not significant.
        least: what it exceeds with a probability of more than 0.99.
    """

    share: float = 0.0
    least: float = 0.0


def detail_loss(before: Tensor, after: Tensor) -> DetailLoss:
    """Measure the removed share of the fine detail.

    Args:
        before: (B, C, H, W), floats on the [0, 1] scale; several tiles of a picture as a batch.
        after: the restored tiles.
    """
    if min(after.shape[-2:]) < 3 * _SIDE:
        return DetailLoss()
    restored = after.mean(1, keepdim=True)
    residual = before.mean(1, keepdim=True) - restored
    detail = _fine(restored)
    total = certain = 0.0
    for sought in (detail, *torch.gradient(detail, dim=(2, 3))):
        slope, error = _slope(residual, sought)
        slope = max(slope, 0.0) if sought is detail else abs(slope)
        if slope > _ERRORS * error:
            total, certain = total + slope**2, certain + (slope - _ERRORS * error) ** 2
    return DetailLoss(_share(total**0.5), _share(certain**0.5))


def _slope(residual: Tensor, detail: Tensor) -> tuple[float, float]:
    """Slope and standard error of the products with the residual over the energy of detail."""
    energies = _block_means(detail * detail)
    around = _ring_means(energies)
    product = _block_means(detail * residual)
    energy, product, around = (each - each.mean() for each in (energies, product, around))
    shared = around * energy
    total = shared.sum()
    if total <= _RELEVANT * shared.square().sum().sqrt():
        return 0.0, 0.0
    slope = (around * product).sum() / total
    # The variance of the products differs between blocks, so it is not pooled (White, 1980).
    error = (around * (product - slope * energy)).square().sum().sqrt() / total
    return float(slope), float(error)


def _share(slope: float) -> float:
    """The removed share, if `slope` is what was removed relative to what is left."""
    return slope / (1 + slope)


def _fine(image: Tensor) -> Tensor:
    """The band of details of 4 to 6 pixels, without most noise of single pixels and shading."""
    fine = coarse = _smoothed(image)
    for _ in range(_COARSE - 1):
        coarse = _smoothed(coarse)
    return (fine - coarse) / _GAIN


def _smoothed(image: Tensor) -> Tensor:
    weights = image.new_tensor([0.25, 0.5, 0.25])
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    across = functional.conv2d(padded, weights.view(1, 1, 1, 3))
    return functional.conv2d(across, weights.view(1, 1, 3, 1))


def _block_means(values: Tensor) -> Tensor:
    return functional.avg_pool2d(values, _SIDE).double()


def _ring_means(blocks: Tensor) -> Tensor:
    """Mean of the sixteen blocks at a distance of two from each one.

    Adjacent blocks share noise at their border, because the band smooths over it.
    """
    outer, inner = _window_sums(blocks, 5), _window_sums(blocks, 3)
    return (outer - inner) / 16


def _window_sums(blocks: Tensor, side: int) -> Tensor:
    padded = functional.pad(blocks, (side // 2,) * 4, mode="reflect")
    return side**2 * functional.avg_pool2d(padded, side, stride=1)
