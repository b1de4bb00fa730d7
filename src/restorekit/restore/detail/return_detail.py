"""Adding the removed detail to the result on a canvas, in bands of rows."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.restore.canvas import Canvas
from restorekit.restore.detail.removed_detail import REACH, RemovedNoise
from restorekit.restore.strength import Strength
from restorekit.sampling import evenly_spread

_SAMPLES, _SIDE = 4, 256  # crops along each axis in which the noise is measured
_BAND, _COLUMNS = 256, 512


def return_detail(canvas: Canvas, share: float, strength: Strength) -> None:
    """Add a share of the removed detail to the result of a network.

    Args:
        canvas: the image and the result of the network, which is replaced.
        share: share of the detail to add, from 0 to 1.
        strength: share of the total change that is then applied.
    """
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        noise = _noise_of(canvas, sample)
        height = canvas.size[0]
        above: Tensor | None = (
            None  # rows of the network's result that this loop has already replaced
        )
        for top in range(0, height, _BAND):
            first, last = max(top - REACH, 0), min(top + _BAND + REACH, height)
            original = canvas.read(sample, slice(first, last), slice(None), torch.float32)
            restored = canvas.reread(sample, slice(first, last), slice(None), torch.float32)
            if above is not None:
                restored[:, :, : above.shape[2]] = above
            bottom = min(top + _BAND, height)
            rows = slice(top - first, bottom - first)
            above = restored[:, :, max(bottom - REACH, 0) - first : rows.stop].clone()
            detail = _detail_by_columns(original, restored, rows, noise)
            detailed = strength.apply(original[:, :, rows], restored[:, :, rows] + share * detail)
            canvas.write(sample, slice(top, bottom), canvas.encode(detailed))


def _noise_of(canvas: Canvas, sample: slice) -> RemovedNoise:
    height, width = canvas.size
    pieces = []
    for rows in _crops(height):
        for columns in _crops(width):
            original = canvas.read(sample, rows, columns, torch.float32)
            pieces.append(original - canvas.reread(sample, rows, columns, torch.float32))
    rounding = 0.0 if canvas.is_float else 1 / (12 * canvas.scale.span**2)
    return RemovedNoise.measure(torch.cat(pieces), rounding, canvas.is_colour)


def _crops(length: int) -> list[slice]:
    side = min(_SIDE, length)
    count = min(_SAMPLES, -(-length // side))
    return [slice(start, start + side) for start in evenly_spread(length, side, count)]


def _detail_by_columns(
    original: Tensor, restored: Tensor, rows: slice, noise: RemovedNoise
) -> Tensor:
    """The detail removed from some rows, in parts to limit the memory of the transform."""
    width = original.shape[3]
    parts = []
    for left in range(0, width, _COLUMNS):
        first, last = max(left - REACH, 0), min(left + _COLUMNS + REACH, width)
        part = noise.detail_in(original[..., first:last], restored[..., first:last])
        parts.append(part[:, :, rows, left - first : min(left + _COLUMNS, width) - first])
    return torch.cat(parts, 3)
