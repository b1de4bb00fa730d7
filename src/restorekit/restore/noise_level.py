"""The noise level that a network is told: given or estimated, one number or a map."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError
from restorekit.restore.canvas import Canvas
from restorekit.restore.sampling import middle, miniature
from restorekit.restore.tiles.tile_layout import divide_axis

Sigma = float | Sequence[float] | NDArray[np.floating[Any]] | Tensor

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
        if self.reduction == 1:
            return sigma[..., rows, columns]
        vertical = _places(rows, self.reduction, sigma.shape[2])
        horizontal = _places(columns, self.reduction, sigma.shape[3])
        return _interpolated(_interpolated(sigma, vertical, 2), horizontal, 3)

    def of_piece(self, samples: slice, rows: slice, columns: slice) -> NoiseLevel:
        """The level of a piece of the image as one of an image of its own."""
        return NoiseLevel(self.at(samples, rows, columns), min(self.reduction, 1))


@dataclass(frozen=True)
class EstimatedLevel(NoiseLevel):
    """The levels found in a canvas, and what was found besides.

    Attributes:
        clean: for each image, whether it has no noise worth removing, and no JPEG blocks.
        impulsive: for each image, whether a channel has impulses.
    """

    clean: tuple[bool, ...] = ()
    impulsive: tuple[bool, ...] = ()


def check_sigma(sigma: Sigma | None) -> None:
    """Refuse what is no standard deviation on the [0, 1] scale.

    Raises:
        ArgumentError: that it is.
    """
    if sigma is None:
        return
    values = _levels(sigma)
    wrong = values[~((values >= 0) & (values <= 1))]
    if not values.size or wrong.size:
        shown, hint = (f"{wrong[0]:g}", "") if wrong.size else (repr(sigma), "; None estimates it")
        if wrong.size and wrong[0] > 1:
            hint = "; divide one of 8-bit levels by 255"
        raise ArgumentError(f"sigma is a standard deviation on the [0, 1] scale, not {shown}{hint}")


def _levels(sigma: Any) -> NDArray[np.float64]:
    """The numbers in a number, a list, an array or a tensor; none where it is something else."""
    if isinstance(sigma, Tensor):
        sigma = sigma.detach().double().cpu()
    if not isinstance(sigma, (bool, str)):
        with suppress(TypeError, ValueError):
            return np.asarray(sigma, dtype=np.float64)
    return np.empty(0)


def given_level(canvas: Canvas, sigma: Sigma) -> NoiseLevel:
    """A level that was given on the scale of the image, where white is 1.

    Args:
        canvas: the image.
        sigma: one for all channels, one for each, or a map (H, W) of it.

    Raises:
        ArgumentError: there are not as many levels as channels, or pixels.
    """
    levels = torch.as_tensor(_levels(sigma)).float()
    batch, count = canvas.source.shape[:2]
    if levels.shape == canvas.size:
        return NoiseLevel(levels.expand(batch, 1, -1, -1), 1)
    if levels.numel() not in (1, count):
        height, width = canvas.size
        raise ArgumentError(
            f"sigma is one level, one for each of {count} channels, or a map ({height}, {width}), "
            f"not {tuple(levels.shape)}"
        )
    return NoiseLevel(levels.reshape(1, -1, 1, 1).expand(batch, -1, -1, -1))


def estimated_level(canvas: Canvas) -> EstimatedLevel:
    """The level of each channel, estimated from the image, a large one from an even sample."""
    from restorekit.restore.noise_estimation import (
        MIDDLE,
        SAMPLE,
        already_clean,
        sigma_and_impulses,
    )

    middles = [middle(length, MIDDLE) for length in canvas.size]
    levels, clean, impulsive = [], [], []
    for index in range(len(canvas.source)):
        read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
        sigma, stray = sigma_and_impulses(miniature(read, canvas.size, SAMPLE).cpu())
        levels.append(sigma)
        clean.append(already_clean(read(*middles), sigma))
        impulsive.append(bool(stray.any()))
    sigmas = torch.cat(levels).float()[:, :, None, None]
    return EstimatedLevel(sigmas, clean=tuple(clean), impulsive=tuple(impulsive))


def estimated_map(canvas: Canvas) -> NoiseLevel:
    """The level of each place, estimated from the image block by block."""
    from restorekit.restore.noise_estimation import noise_map

    height, width = canvas.size
    size = (-(-height // _REDUCTION), -(-width // _REDUCTION))
    sigma = torch.empty(len(canvas.source), 1, *size)
    blocks = [divide_axis(length, _BLOCK // _REDUCTION, 0) for length in size]
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        for row, column in product(*blocks):
            rows, columns = slice(row.low, row.high), slice(column.low, column.high)
            block = canvas.read(sample, _scaled(rows), _scaled(columns), torch.float32)
            pooled = functional.avg_pool2d(noise_map(block).cpu(), _REDUCTION, ceil_mode=True)
            sigma[sample, :, rows, columns] = pooled
    return NoiseLevel(sigma, _REDUCTION)


def join_levels(levels: Sequence[NoiseLevel | None]) -> NoiseLevel | None:
    """The levels of several images as that of a batch; all are of one kind."""
    known = [level for level in levels if level is not None]
    if len(known) < 2:
        return known[0] if known else None
    return NoiseLevel(torch.cat([level.sigma for level in known]), known[0].reduction)


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
