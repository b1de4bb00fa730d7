"""Fine detail that a network took away with the noise, found in the residual and put back.

What a network removes from an image should be noise. Where it smooths too much, the residual also
holds edges and texture. Both are told apart in an overlapping local cosine transform of the
residual: noise spreads its energy evenly over neighbouring places and frequencies, at a level that
is measured from the residual itself; structure stands out. A Wiener gain keeps what stands out, as
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
from restorekit.restore.sampling import evenly_spread

_BLOCK = 8
_STEP = 4
# Mean energy, over 3x3 places and 3x3 frequencies, that noise of energy 1 does not reach.
_NOISE_BOUND = 2.0
_PLACES = 9  # blocks along each side of the square in which the local noise level is taken
_MEDIAN_OF_SQUARES = 0.4549364  # of a standard normal variable
# How far a row has an influence: a block, its neighbours, and the square of the noise level.
_MARGIN = 2 * _BLOCK + _STEP * (2 + _PLACES // 2)
_MARGIN += -_MARGIN % _STEP
_SAMPLES, _SIDE = 4, 256  # crops along each axis from which the noise's spectrum is taken
_BAND, _COLUMNS = 256, 512


def restore_detail(canvas: Canvas, share: float, strength: float) -> None:
    """Put a share of the lost detail back into a canvas whose result is the network's.

    Args:
        canvas: the image and what the network made of it; the result is replaced.
        share: how much of the detail found to put back, from 0 to 1.
        strength: how much of the whole change is then made, from 0 to 1.
    """
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        spectrum = _spectrum_of(canvas, sample)
        height = canvas.size[0]
        above: Tensor | None = None  # rows of the network's result that have been replaced
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
    """What of a residual is no noise.

    Args:
        residual: (B, C, H, W), the image less what the network made of it.
        spectrum: the noise's variance, (C, 64), as from `noise_spectrum`.

    Returns:
        (B, C, H, W).
    """
    coefficients = _analysed(residual)
    energy = coefficients.square() / spectrum.clamp(min=1e-12)[None, :, :, None, None]
    # The level varies over the picture, brighter places of a photograph are noisier. The median
    # over the frequencies is that of the noise, for structure lies in few of them.
    local = energy[:, :, 1:].median(dim=2).values / _MEDIAN_OF_SQUARES
    local = _averaged(local, _PLACES).clamp(min=1e-3)
    batch, channels, _, rows, columns = energy.shape
    grid = energy.reshape(batch * channels, 1, _BLOCK, _BLOCK, rows * columns)
    grid = _frequency_mean(grid).reshape(batch, channels, -1, rows, columns)
    mean = _averaged(grid.flatten(1, 2), 3).reshape(energy.shape)
    gain = (1 - _NOISE_BOUND * local[:, :, None] / mean.clamp(min=1e-12)).clamp(min=0)
    return _synthesised(coefficients * gain, residual.shape[-2:])


def noise_spectrum(residuals: Tensor) -> Tensor:
    """The variance of a residual's noise at each frequency of its local cosine transform, (C, 64).

    The median over all places is that of the noise, for structure lies in few of them.

    Args:
        residuals: pieces of it, (B, C, H, W).
    """
    squares = _analysed(residuals).square()
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
    """The structure in some rows of a residual, in parts: a transform takes memory."""
    width = residual.shape[3]
    parts = []
    for left in range(0, width, _COLUMNS):
        first, last = max(left - _MARGIN, 0), min(left + _COLUMNS + _MARGIN, width)
        part = structure_in(residual[..., first:last], spectrum)
        parts.append(part[:, :, rows, left - first : min(left + _COLUMNS, width) - first])
    return torch.cat(parts, 3)


@cache
def _atoms() -> Tensor:
    """Windowed cosines (64, 1, 8, 8): with a step of half a block they are a tight frame."""
    place = torch.arange(_BLOCK, dtype=torch.float64) + 0.5
    frequency = torch.arange(_BLOCK, dtype=torch.float64)[:, None]
    cosines = torch.cos(math.pi / _BLOCK * frequency * place) * (2 / _BLOCK) ** 0.5
    cosines[0] *= 0.5**0.5
    atoms = cosines * torch.sin(math.pi / _BLOCK * place)
    pairs = torch.einsum("ik,jl->ijkl", atoms, atoms)
    return pairs.reshape(_BLOCK**2, 1, _BLOCK, _BLOCK).float()


def _analysed(image: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 64, rows, columns)."""
    batch, channels, height, width = image.shape
    planes = image.reshape(batch * channels, 1, height, width)
    # Blocks over the border, and enough of them for any size.
    bottom, right = _STEP + -height % _STEP, _STEP + -width % _STEP
    planes = functional.pad(planes, (_STEP, right, _STEP, bottom), mode="replicate")
    atoms = _atoms().to(image)
    coefficients = functional.conv2d(planes, atoms, stride=_STEP)
    return coefficients.reshape(batch, channels, _BLOCK**2, *coefficients.shape[2:])


def _synthesised(coefficients: Tensor, size: torch.Size) -> Tensor:
    """(B, C, 64, rows, columns) -> (B, C, H, W): undoes `_analysed`."""
    batch, channels = coefficients.shape[:2]
    atoms = _atoms().to(coefficients)
    planes = functional.conv_transpose2d(coefficients.flatten(0, 1), atoms, stride=_STEP)
    height, width = size
    planes = planes[..., _STEP : _STEP + height, _STEP : _STEP + width]
    return planes.reshape(batch, channels, height, width)


def _averaged(x: Tensor, side: int) -> Tensor:
    """The mean over squares of blocks, fewer of them at the border."""
    return functional.avg_pool2d(x, side, stride=1, padding=side // 2, count_include_pad=False)


def _frequency_mean(grid: Tensor) -> Tensor:
    """The mean over 3x3 frequencies, fewer of them at the rim: (N, 1, 8, 8, places)."""
    return functional.avg_pool3d(
        grid, (3, 3, 1), stride=1, padding=(1, 1, 0), count_include_pad=False
    )
