"""Recovering fine detail that a network removed with the noise.

The residual, the image minus the network's result, should be noise. Where the network smooths too
much, it also contains edges and texture. An overlapping local cosine transform of the residual
separates them: noise has similar energy at neighbouring positions and frequencies, at a level that
is measured in the residual itself, and structure exceeds it. A Wiener gain keeps the structure, as
in Yaroslavsky, Local adaptive image restoration and enhancement with the use of DFT and DCT in a
running window, SPIE 1996, https://doi.org/10.1117/12.255218.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.restore.canvas import Canvas
from restorekit.sampling import evenly_spread

_BLOCK = 8
_STEP = 4
# Mean energy over 3x3 positions and 3x3 frequencies that noise of unit variance does not reach.
_NOISE_BOUND = 2.0
_PLACES = 9  # side, in blocks, of the window in which the local noise level is measured
_MEDIAN_OF_SQUARES = 0.4549364  # of a standard normal variable
# Range of influence of a row: a block, its neighbours, and the window of the noise level.
_MARGIN = 2 * _BLOCK + _STEP * (2 + _PLACES // 2)
_MARGIN += -_MARGIN % _STEP
_SAMPLES, _SIDE = 4, 256  # crops along each axis in which the noise spectrum is measured
_BAND, _COLUMNS = 256, 512


def restore_detail(canvas: Canvas, share: float, strength: float) -> None:
    """Add a share of the removed detail to the result of a network.

    Args:
        canvas: the image and the result of the network, which is replaced.
        share: share of the detail to add, from 0 to 1.
        strength: share of the total change that is then applied, from 0 to 1.
    """
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        spectrum = _spectrum_of(canvas, sample)
        height = canvas.size[0]
        above: Tensor | None = (
            None  # rows of the network's result that this loop has already replaced
        )
        for top in range(0, height, _BAND):
            first, last = max(top - _MARGIN, 0), min(top + _BAND + _MARGIN, height)
            original = canvas.read(sample, slice(first, last), slice(None), torch.float32)
            restored = canvas.reread(sample, slice(first, last), slice(None), torch.float32)
            if above is not None:
                restored[:, :, : above.shape[2]] = above
            bottom = min(top + _BAND, height)
            rows = slice(top - first, bottom - first)
            above = restored[:, :, max(bottom - _MARGIN, 0) - first : rows.stop].clone()
            detail = _detail_by_columns(original - restored, rows, spectrum)
            change = restored[:, :, rows] + share * detail - original[:, :, rows]
            detailed = original[:, :, rows] + strength * change
            canvas.write(sample, slice(top, bottom), canvas.encode(detailed))


def structure_in(residual: Tensor, spectrum: Tensor) -> Tensor:
    """The part of a residual that is not noise.

    Args:
        residual: (B, C, H, W), the image minus the result of the network.
        spectrum: variance of the noise at each frequency, (C, 64), from `noise_spectrum`.

    Returns:
        (B, C, H, W).
    """
    coefficients = _analyse(residual)
    energy = coefficients.square() / spectrum.clamp(min=1e-12)[None, :, :, None, None]
    # The level varies over the picture: brighter areas of a photograph have more noise. The median
    # over the frequencies measures the noise, because structure occupies few of them.
    local = energy[:, :, 1:].median(dim=2).values / _MEDIAN_OF_SQUARES
    local = _averaged(local, _PLACES).clamp(min=1e-3)
    batch, channels, _, rows, columns = energy.shape
    grid = energy.reshape(batch * channels, 1, _BLOCK, _BLOCK, rows * columns)
    grid = _frequency_mean(grid).reshape(batch, channels, -1, rows, columns)
    mean = _averaged(grid.flatten(1, 2), 3).reshape(energy.shape)
    gain = (1 - _NOISE_BOUND * local[:, :, None] / mean.clamp(min=1e-12)).clamp(min=0)
    return _synthesise(coefficients * gain, residual.shape[-2:])


def noise_spectrum(residuals: Tensor) -> Tensor:
    """Variance of the noise at each frequency of the local cosine transform, (C, 64).

    The median over all positions measures the noise, because structure occupies few of them.

    Args:
        residuals: pieces of a residual, (B, C, H, W).
    """
    squares = _analyse(residuals).square()
    everywhere = squares.permute(1, 2, 0, 3, 4).flatten(2)
    return everywhere.median(dim=2).values / _MEDIAN_OF_SQUARES


def _spectrum_of(canvas: Canvas, sample: slice) -> Tensor:
    height, width = canvas.size
    pieces = []
    for rows in _crops(height):
        for columns in _crops(width):
            original = canvas.read(sample, rows, columns, torch.float32)
            pieces.append(original - canvas.reread(sample, rows, columns, torch.float32))
    return noise_spectrum(torch.cat(pieces))


def _crops(length: int) -> list[slice]:
    side = min(_SIDE, length)
    count = min(_SAMPLES, -(-length // side))
    return [slice(start, start + side) for start in evenly_spread(length, side, count)]


def _detail_by_columns(residual: Tensor, rows: slice, spectrum: Tensor) -> Tensor:
    """The structure in some rows of a residual, in parts to limit the memory of the transform."""
    width = residual.shape[3]
    parts = []
    for left in range(0, width, _COLUMNS):
        first, last = max(left - _MARGIN, 0), min(left + _COLUMNS + _MARGIN, width)
        part = structure_in(residual[..., first:last], spectrum)
        parts.append(part[:, :, rows, left - first : min(left + _COLUMNS, width) - first])
    return torch.cat(parts, 3)


@cache
def _atoms() -> Tensor:
    """Windowed cosines, (64, 1, 8, 8); with a step of half a block they form a tight frame."""
    place = torch.arange(_BLOCK, dtype=torch.float64) + 0.5
    frequency = torch.arange(_BLOCK, dtype=torch.float64)[:, None]
    cosines = torch.cos(math.pi / _BLOCK * frequency * place) * (2 / _BLOCK) ** 0.5
    cosines[0] *= 0.5**0.5
    atoms = cosines * torch.sin(math.pi / _BLOCK * place)
    pairs = torch.einsum("ik,jl->ijkl", atoms, atoms)
    return pairs.reshape(_BLOCK**2, 1, _BLOCK, _BLOCK).float()


def _analyse(image: Tensor) -> Tensor:
    """The transform of an image: (B, C, H, W) -> (B, C, 64, rows, columns)."""
    batch, channels, height, width = image.shape
    planes = image.reshape(batch * channels, 1, height, width)
    # Blocks extend over the border, so that every pixel is covered twice along each axis.
    bottom, right = _STEP + -height % _STEP, _STEP + -width % _STEP
    planes = functional.pad(planes, (_STEP, right, _STEP, bottom), mode="replicate")
    atoms = _atoms().to(image)
    coefficients = functional.conv2d(planes, atoms, stride=_STEP)
    return coefficients.reshape(batch, channels, _BLOCK**2, *coefficients.shape[2:])


def _synthesise(coefficients: Tensor, size: torch.Size) -> Tensor:
    """The inverse of `_analyse`: (B, C, 64, rows, columns) -> (B, C, H, W)."""
    batch, channels = coefficients.shape[:2]
    atoms = _atoms().to(coefficients)
    planes = functional.conv_transpose2d(coefficients.flatten(0, 1), atoms, stride=_STEP)
    height, width = size
    planes = planes[..., _STEP : _STEP + height, _STEP : _STEP + width]
    return planes.reshape(batch, channels, height, width)


def _averaged(x: Tensor, side: int) -> Tensor:
    """Mean over square windows of blocks, which are smaller at the border."""
    return functional.avg_pool2d(x, side, stride=1, padding=side // 2, count_include_pad=False)


def _frequency_mean(grid: Tensor) -> Tensor:
    """Mean over 3x3 frequencies, fewer at the edges, of (N, 1, 8, 8, positions)."""
    return functional.avg_pool3d(
        grid, (3, 3, 1), stride=1, padding=(1, 1, 0), count_include_pad=False
    )
