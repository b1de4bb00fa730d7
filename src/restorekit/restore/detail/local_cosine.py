"""An overlapping local cosine transform: a tight frame of windowed 8x8 cosines."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8
STEP = 4
FREQUENCIES = BLOCK**2


def analyse(image: Tensor) -> Tensor:
    """The transform of an image: (B, C, H, W) -> (B, C, 64, rows, columns)."""
    batch, channels, height, width = image.shape
    planes = image.reshape(batch * channels, 1, height, width)
    # Blocks extend over the border, so that every pixel is covered twice along each axis.
    bottom, right = STEP + -height % STEP, STEP + -width % STEP
    planes = functional.pad(planes, (STEP, right, STEP, bottom), mode="replicate")
    coefficients = functional.conv2d(planes, _atoms().to(image), stride=STEP)
    return coefficients.reshape(batch, channels, FREQUENCIES, *coefficients.shape[2:])


def synthesise(coefficients: Tensor, size: torch.Size) -> Tensor:
    """The inverse of `analyse`: (B, C, 64, rows, columns) -> (B, C, H, W).

    Args:
        coefficients: the transform.
        size: (H, W).
    """
    batch, channels = coefficients.shape[:2]
    atoms = _atoms().to(coefficients)
    planes = functional.conv_transpose2d(coefficients.flatten(0, 1), atoms, stride=STEP)
    height, width = size
    planes = planes[..., STEP : STEP + height, STEP : STEP + width]
    return planes.reshape(batch, channels, height, width)


def white_spectrum() -> Tensor:
    """Variance at each frequency of white noise of variance 1, (64,)."""
    return _atoms().square().sum((1, 2, 3))


def diagonal_order() -> Tensor:
    """Sum of the vertical and the horizontal order of each frequency, from 0 to 14, (64,)."""
    order = torch.arange(BLOCK)
    return (order[:, None] + order).flatten()


def without_shading(coefficients: Tensor) -> Tensor:
    """Remove the plane through each block, which the window spreads over other frequencies.

    The mean is the frequency (0, 0), the slopes are (1, 0) and (0, 1).
    """
    across = (torch.arange(BLOCK) - (BLOCK - 1) / 2).expand(BLOCK, -1)
    planes = torch.stack([torch.ones_like(across), across, across.T])
    spread = torch.einsum("nkl,pkl->pn", _atoms()[:, 0], planes).to(coefficients)
    for frequency, leak in zip((0, 1, BLOCK), spread, strict=True):
        leak = (leak / leak[frequency])[:, None, None]
        coefficients = coefficients - coefficients[:, :, frequency : frequency + 1] * leak
    return coefficients


def position_mean(values: Tensor, side: int) -> Tensor:
    """Mean over square windows of blocks, smaller at the border, of (B, ..., rows, columns)."""
    planes = values.flatten(1, -3)
    means = functional.avg_pool2d(
        planes, side, stride=1, padding=side // 2, count_include_pad=False
    )
    return means.reshape(values.shape)


def frequency_mean(values: Tensor) -> Tensor:
    """Mean over 3x3 frequencies, fewer at the edges, of (B, C, 64, rows, columns)."""
    batch, channels, _, rows, columns = values.shape
    grid = values.reshape(batch * channels, 1, BLOCK, BLOCK, rows * columns)
    grid = functional.avg_pool3d(
        grid, (3, 3, 1), stride=1, padding=(1, 1, 0), count_include_pad=False
    )
    return grid.reshape(values.shape)


@cache
def _atoms() -> Tensor:
    """Windowed cosines, (64, 1, 8, 8); with a step of half a block they form a tight frame."""
    place = torch.arange(BLOCK, dtype=torch.float64) + 0.5
    frequency = torch.arange(BLOCK, dtype=torch.float64)[:, None]
    cosines = torch.cos(math.pi / BLOCK * frequency * place) * (2 / BLOCK) ** 0.5
    cosines[0] *= 0.5**0.5
    atoms = cosines * torch.sin(math.pi / BLOCK * place)
    pairs = torch.einsum("ik,jl->ijkl", atoms, atoms)
    return pairs.reshape(FREQUENCIES, 1, BLOCK, BLOCK).float()
