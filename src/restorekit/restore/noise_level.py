"""The noise level that is passed to a network: given or estimated, a number or a map."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError
from restorekit.restore.canvas import Canvas
from restorekit.restore.stabilization.stabilizer import Stabilizer
from restorekit.restore.tiles.tile_layout import divide_axis
from restorekit.sampling import middle, miniature

if TYPE_CHECKING:
    from restorekit.restore.noise_estimation import EstimatorSpec

Sigma = float | Sequence[float] | NDArray[np.floating[Any]] | Tensor

# A multiple of the reduction, so that blocks meet at the cells of the map.
_BLOCK = 1024
_REDUCTION = 8


@dataclass(frozen=True)
class NoiseLevel:
    """Standard deviations on the scale of the network.

    Attributes:
        sigma: (B, C or 1, 1, 1), or a map (B, 1, h, w) at a lower resolution.
        reduction: pixels of the image along each axis for one value of the map; 0 if `sigma` is not
            a map.
        stabilizer: transforms the images before the network gets them, and determines its level;
            None if they are not transformed.
    """

    sigma: Tensor
    reduction: int = 0
    stabilizer: Stabilizer | None = None

    def at(self, samples: slice, rows: slice, columns: slice) -> Tensor:
        """The levels of a piece of the image: (b, C or 1, 1, 1), or a map (b, 1, H, W)."""
        sigma = self.sigma[samples]
        if not self.reduction:
            return sigma
        if self.reduction == 1:
            return sigma[..., rows, columns]
        vertical = _places(rows, self.reduction, sigma.shape[2])
        horizontal = _places(columns, self.reduction, sigma.shape[3])
        return _interpolated(_interpolated(sigma, vertical, 2), horizontal, 3)

    def of_piece(self, samples: slice, rows: slice, columns: slice) -> NoiseLevel:
        """The noise level of a piece of the image, as that of a separate image."""
        stabilizer = None if self.stabilizer is None else self.stabilizer.of(samples)
        return NoiseLevel(self.at(samples, rows, columns), min(self.reduction, 1), stabilizer)


@dataclass(frozen=True)
class EstimatedLevel(NoiseLevel):
    """The estimated levels of a canvas, and further findings.

    Attributes:
        clean: whether each image has no noise worth removing and no JPEG blocks.
        impulsive: whether each image has a channel with impulses.
    """

    clean: tuple[bool, ...] = ()
    impulsive: tuple[bool, ...] = ()


def check_sigma(sigma: Sigma | None) -> None:
    """Check that sigma is a standard deviation on the [0, 1] scale.

    Raises:
        ArgumentError: it is not.
    """
    if sigma is None:
        return
    values = _levels(sigma)
    wrong = values[~((values >= 0) & (values <= 1))]
    if not values.size or wrong.size:
        shown, hint = (f"{wrong[0]:g}", "") if wrong.size else (repr(sigma), "; None estimates it")
        if wrong.size and wrong[0] > 1:
            hint = "; divide 8-bit levels by 255"
        raise ArgumentError(f"sigma is a standard deviation on the [0, 1] scale, not {shown}{hint}")


def _levels(sigma: object) -> NDArray[np.float64]:
    """The values of a number, a list, an array or a tensor; empty for anything else."""
    if isinstance(sigma, Tensor):
        sigma = sigma.detach().double().cpu()
    if not isinstance(sigma, (bool, str)):
        with suppress(TypeError, ValueError):
            return np.asarray(sigma, dtype=np.float64)
    return np.empty(0)


def is_for_all_channels(sigma: Sigma | None, canvas: Canvas) -> bool:
    """Whether a level is the same for all channels of an image: one value or a map (H, W)."""
    if sigma is None:
        return True
    levels = _levels(sigma)
    return levels.size == 1 or levels.shape == canvas.size


def given_level(canvas: Canvas, sigma: Sigma) -> NoiseLevel:
    """The noise level that a user gives, on the scale where white is 1.

    Args:
        canvas: the image.
        sigma: one value for all channels, one for each, or a map (H, W).

    Raises:
        ArgumentError: the number of values differs from that of channels and of pixels.
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


def estimated_level(canvas: Canvas, estimator: EstimatorSpec | None = None) -> EstimatedLevel:
    """Estimate the level of each channel; large images are sampled evenly.

    Args:
        canvas: the image.
        estimator: as for `estimate_sigma`; None is the default.
    """
    from restorekit.restore.noise_estimation import (
        DEFAULT,
        MIDDLE,
        SAMPLE,
        already_clean,
        sigma_and_impulses,
    )

    middles = [middle(length, MIDDLE) for length in canvas.size]
    levels, clean, impulsive = [], [], []
    for index in range(len(canvas.source)):
        read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
        sigma, stray = sigma_and_impulses(
            # Sorting and medians of small samples are faster on the CPU than on a GPU.
            miniature(read, canvas.size, SAMPLE).cpu(),
            DEFAULT if estimator is None else estimator,
        )
        levels.append(sigma)
        clean.append(already_clean(read(*middles), sigma))
        impulsive.append(bool(stray.any()))
    sigmas = torch.cat(levels).float()[:, :, None, None]
    return EstimatedLevel(sigmas, clean=tuple(clean), impulsive=tuple(impulsive))


def estimated_map(canvas: Canvas, estimator: EstimatorSpec | None = None) -> NoiseLevel:
    """Estimate the level of each region, in blocks to limit the memory.

    Args:
        canvas: the image.
        estimator: as for `noise_map`; None is the default.
    """
    from restorekit.restore.noise_estimation import FOR_CELLS, noise_map

    height, width = canvas.size
    size = (-(-height // _REDUCTION), -(-width // _REDUCTION))
    sigma = torch.empty(len(canvas.source), 1, *size)
    blocks = [divide_axis(length, _BLOCK // _REDUCTION, 0) for length in size]
    for index in range(len(canvas.source)):
        sample = slice(index, index + 1)
        for row, column in product(*blocks):
            rows, columns = slice(row.low, row.high), slice(column.low, column.high)
            block = canvas.read(sample, _scaled(rows), _scaled(columns), torch.float32)
            found = noise_map(block, FOR_CELLS if estimator is None else estimator).cpu()
            pooled = functional.avg_pool2d(found, _REDUCTION, ceil_mode=True)
            sigma[sample, :, rows, columns] = pooled
    return NoiseLevel(sigma, _REDUCTION)


def stabilised_level(level: NoiseLevel | None, stabilizer: Stabilizer) -> NoiseLevel:
    """The level of images that are transformed before a network gets them.

    Args:
        level: the level of the images; None for a network that does not use it.
        stabilizer: their transforms.
    """
    if level is None:
        level = NoiseLevel(torch.zeros(len(stabilizer.images), 1, 1, 1))
    return replace(level, stabilizer=stabilizer)


def join_levels(levels: Sequence[NoiseLevel | None]) -> NoiseLevel | None:
    """Join the levels of several images as that of a batch.

    Args:
        levels: all of them are numbers, or all maps.
    """
    known = [level for level in levels if level is not None]
    if len(known) < 2:
        return known[0] if known else None
    images = [
        each
        for level in known
        for each in (level.stabilizer.images if level.stabilizer else [None] * len(level.sigma))
    ]
    stabilizer = Stabilizer(tuple(images)) if any(images) else None
    return NoiseLevel(torch.cat([level.sigma for level in known]), known[0].reduction, stabilizer)


def join_estimates(levels: Sequence[NoiseLevel | None]) -> NoiseLevel | None:
    """Join levels as `join_levels` does, with the further findings if all are estimated."""
    joined = join_levels(levels)
    estimated = [level for level in levels if isinstance(level, EstimatedLevel)]
    if joined is None or len(estimated) < len(levels):
        return joined
    clean = tuple(each for level in estimated for each in level.clean)
    impulsive = tuple(each for level in estimated for each in level.impulsive)
    return EstimatedLevel(joined.sigma, joined.reduction, None, clean, impulsive)


def _scaled(places: slice) -> slice:
    return slice(places.start * _REDUCTION, places.stop * _REDUCTION)


def _places(pixels: slice, reduction: int, length: int) -> Tensor:
    """Coordinates of the pixels' centres in the map, clamped to it."""
    centres = torch.arange(pixels.start, pixels.stop) + 0.5
    return (centres / reduction - 0.5).clamp(0, length - 1)


def _interpolated(values: Tensor, places: Tensor, axis: int) -> Tensor:
    """Linear interpolation along an axis."""
    before = places.floor().long()
    after = (before + 1).clamp(max=values.shape[axis] - 1)
    share = (places - before).reshape([-1 if d == axis else 1 for d in range(4)])
    return values.index_select(axis, before).lerp(values.index_select(axis, after), share)
