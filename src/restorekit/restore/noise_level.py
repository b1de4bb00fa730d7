"""The noise level that a network is told: given or estimated, one number or a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError
from restorekit.restore.canvas import Canvas
from restorekit.restore.sampling import middle, miniature
from restorekit.restore.tiles.layout import divide

_BLOCK = 1024
_REDUCTION = 8


@dataclass(frozen=True)
class NoiseLevel:
    """Standard deviations on the network's scale.

    Attributes:
        sigma: (B, C or 1, 1, 1) for each image, or (B, 1, h, w), a map of `reduction` pixels each.
        reduction: how many pixels of the image a value of the map stands for; 0 for no map.
    """

    sigma: Tensor
    reduction: int = 0

    def at(self, samples: slice, rows: slice, columns: slice) -> Tensor:
        """The levels of a piece of the image: (b, C or 1, 1, 1), or a map (b, 1, H, W) of it."""
        sigma = self.sigma[samples]
        if not self.reduction:
            return sigma
        vertical = _places(rows, self.reduction, sigma.shape[2])
        horizontal = _places(columns, self.reduction, sigma.shape[3])
        return _interpolated(_interpolated(sigma, vertical, 2), horizontal, 3)

    def of_piece(self, samples: slice, rows: slice, columns: slice) -> NoiseLevel:
        """The level of a piece of the image as one of an image of its own."""
        return NoiseLevel(self.at(samples, rows, columns), min(self.reduction, 1))


def check_sigma(sigma: float | Sequence[float] | None) -> None:
    """Refuse what is no standard deviation on the [0, 1] scale.

    Raises:
        ArgumentError: that it is.
    """
    if sigma is None:
        return
    values = _levels(sigma)
    if not values or not all(0 <= value <= 1 for value in values):
        raise ArgumentError(
            f"sigma is a standard deviation on the [0, 1] scale, not {sigma}; "
            "divide one of 8-bit levels by 255"
        )


def _levels(sigma: Any) -> list[float]:
    """The numbers in a number, a list, an array or a tensor; none where it is something else."""
    if isinstance(sigma, (bool, str)):
        return []
    try:
        return [float(value) for value in np.asarray(sigma, dtype=np.float64).reshape(-1)]
    except (TypeError, ValueError):
        return []


def given_level(canvas: Canvas, sigma: float | Sequence[float]) -> NoiseLevel:
    """A level that was given on the scale of the image, where white is 1: for all channels or each.

    Raises:
        ArgumentError: there are not as many levels as channels.
    """
    values = _levels(sigma)
    count = canvas.source.shape[1]
    if len(values) not in (1, count):
        raise ArgumentError(f"sigma has {len(values)} levels, the image {count} channels")
    levels = torch.tensor(values, dtype=torch.float32)
    return NoiseLevel(levels.reshape(1, -1, 1, 1).expand(len(canvas.source), -1, -1, -1))


def estimated_level(canvas: Canvas) -> NoiseLevel:
    """The level of each channel, estimated from the image, a large one from an even sample."""
    from restorekit.restore.estimate import SAMPLE, estimate_sigma

    levels = []
    for index in range(len(canvas.source)):
        read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
        levels.append(estimate_sigma(miniature(read, canvas.size, SAMPLE).cpu()))
    return NoiseLevel(torch.cat(levels).float()[:, :, None, None])


def estimated_map(canvas: Canvas) -> NoiseLevel:
    """The level of each place, estimated from the image block by block."""
    from restorekit.restore.estimate import noise_map

    height, width = canvas.size
    size = (-(-height // _REDUCTION), -(-width // _REDUCTION))
    sigma = torch.empty(len(canvas.source), 1, *size)
    blocks = [divide(length, _BLOCK // _REDUCTION, 0) for length in size]
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        for row, column in product(*blocks):
            rows, columns = slice(row.low, row.high), slice(column.low, column.high)
            block = canvas.read(sample, _scaled(rows), _scaled(columns), torch.float32)
            pooled = functional.avg_pool2d(noise_map(block).cpu(), _REDUCTION, ceil_mode=True)
            sigma[sample, :, rows, columns] = pooled
    return NoiseLevel(sigma, _REDUCTION)


def looks_clean(canvas: Canvas, level: NoiseLevel | None) -> bool:
    """Whether an image of that estimated level has no noise worth removing, and no JPEG blocks."""
    from restorekit.restore.estimate import MIDDLE, already_clean

    if level is None:
        return False
    rows, columns = (middle(length, MIDDLE) for length in canvas.size)
    return all(
        already_clean(canvas.read(slice(index, index + 1), rows, columns, torch.float32), sigma)
        for index, sigma in enumerate(level.sigma.flatten(1))
    )


def _scaled(places: slice) -> slice:
    return slice(places.start * _REDUCTION, places.stop * _REDUCTION)


def _places(pixels: slice, reduction: int, length: int) -> Tensor:
    """Where in the map the pixels' centres lie, kept within it."""
    centres = torch.arange(pixels.start, pixels.stop) + 0.5
    return (centres / reduction - 0.5).clamp(0, length - 1)


def _interpolated(values: Tensor, places: Tensor, axis: int) -> Tensor:
    """Linear interpolation along an axis."""
    before = places.floor().long()
    after = (before + 1).clamp(max=values.shape[axis] - 1)
    share = (places - before).reshape([-1 if d == axis else 1 for d in range(4)])
    return values.index_select(axis, before).lerp(values.index_select(axis, after), share)
