"""Noise level of a picture, for each channel or as a map, and whether the picture is clean.

The estimators are components (`restorekit list estimators`). This module adds what is common to all
of them: large pictures are sampled, and impulses are measured separately from other noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from restorekit.components.component_records import origin_of
from restorekit.components.expressions import parse_expression
from restorekit.components.kinds import estimators
from restorekit.errors import ArgumentError, InputError, PluginError
from restorekit.estimate.cleanness import BLOCKY, CLEAN
from restorekit.estimate.impulse_places import find_impulses
from restorekit.estimate.impulses import impulse_share
from restorekit.estimate.jpeg import blockiness
from restorekit.sampling import evenly_spread, middle, miniature

EstimatorSpec = str | Mapping[str, object] | Callable[[Tensor], Tensor]

DEFAULT = "block_dct"
# The number of blocks in a cell of the smallest size; more would not help.
FOR_CELLS: Mapping[str, object] = {"name": DEFAULT, "blocks": 8192}
SAMPLE = 2_000_000  # pixels
MIDDLE = 1024  # side in pixels of the area that is searched for JPEG blocks
_FEWEST_IMPULSES = 1e-3
_CELL, _MOST_CELLS = 64, 15


def build_estimator(estimator: EstimatorSpec) -> Callable[[Tensor], Tensor]:
    """An estimator whose results are checked.

    Args:
        estimator: as for `estimate_sigma`.

    Raises:
        ArgumentError: an argument is unknown or invalid.
        UnknownNameError: the estimator is unknown.
    """
    if isinstance(estimator, _CheckedEstimator):
        return estimator
    if isinstance(estimator, str):
        written = parse_expression(estimator)
        if written.values:
            raise ArgumentError(f"'{estimator}': write {written.name}:key=value")
        estimator = {"name": written.name, **written.arguments}
    return _CheckedEstimator(estimators.build(estimator))


class _CheckedEstimator:
    def __init__(self, measure: Callable[[Tensor], Tensor]) -> None:
        self._measure = measure

    def __call__(self, image: Tensor) -> Tensor:
        sigma = self._measure(image)
        if not isinstance(sigma, Tensor) or sigma.shape != image.shape[:2]:
            shown = tuple(sigma.shape) if isinstance(sigma, Tensor) else type(sigma).__name__
            fault = f"returned {shown}, not a tensor {tuple(image.shape[:2])}"
        elif not bool((sigma.isfinite() & (sigma >= 0)).all()):
            fault = "returned standard deviations that are negative or not finite"
        else:
            return sigma
        origin = origin_of(self._measure)
        name = type(self._measure).__name__ if origin is None else origin.name
        raise PluginError(f"estimator '{name}' {fault}")


def estimate_sigma(image: Tensor, estimator: EstimatorSpec = DEFAULT) -> Tensor:
    """Estimate the standard deviation of the noise in each channel, including impulses.

    Pictures above two megapixels are sampled in evenly spread tiles, so time and memory do not grow
    with the size.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale; values may lie outside it.
        estimator: A name ("mad", "block_dct:blocks=4096"), `{"name": ..., argument: ...}`, or an
            estimator.

    Returns:
        (B, C), float32, on the [0, 1] scale, at least 0.

    Raises:
        InputError: the image is empty, not finite, or not (B, C, H, W).
        UnknownNameError: the estimator is unknown.

    Example:
        >>> noisy = torch.full((1, 3, 64, 64), 0.5) + 0.1 * torch.randn(1, 3, 64, 64)
        >>> sigma = restorekit.estimate_sigma(noisy)
        >>> sigma.shape, bool(((sigma - 0.1).abs() < 0.02).all())
        (torch.Size([1, 3]), True)
    """
    return sigma_and_impulses(image, estimator)[0]


@torch.no_grad()
def sigma_and_impulses(image: Tensor, estimator: EstimatorSpec = DEFAULT) -> tuple[Tensor, Tensor]:
    """The result of `estimate_sigma`, and a mask (B, C) of the channels with impulses."""
    if image.ndim != 4 or not image.numel():
        raise InputError(f"an image is (B, C, H, W) and not empty, not {tuple(image.shape)}")
    measure = build_estimator(estimator)
    height, width = image.shape[-2:]
    sample = miniature(lambda y, x: image[..., y, x], (height, width), SAMPLE).float()
    if not bool(torch.isfinite(sample).all()):
        raise InputError("an image's values must be finite; some are NaN or infinite")
    sigma = measure(sample)
    stray, cleared = torch.zeros_like(sigma), sample
    for index, plane in enumerate(sample.flatten(0, 1)):
        row, channel = divmod(index, image.shape[1])
        places, around = find_impulses(plane, float(sigma[row, channel]))
        # Single extreme pixels also occur without impulse noise, for example as stars.
        fewest = max(1, _FEWEST_IMPULSES * plane.numel())
        if len(places) > fewest and impulse_share(plane) > _FEWEST_IMPULSES:
            stray[row, channel] = (plane.flatten()[places] - around).square().sum() / plane.numel()
            cleared = sample.clone() if cleared is sample else cleared
            cleared[row, channel].view(-1)[places] = around
    if bool(stray.any()):
        # Measured again without the impulses, whose variance is then added.
        sigma = (measure(cleared).square() + stray).sqrt()
    return sigma, stray > 0


@torch.no_grad()
def noise_map(image: Tensor, estimator: EstimatorSpec = FOR_CELLS) -> Tensor:
    """Estimate the standard deviation of the noise around each pixel.

    The value is the root mean square over the channels. The picture is divided into overlapping
    cells of 64 pixels, or of a larger size that gives 15 along the longer side. Each cell is
    measured and replaced by the median of its neighbourhood, which removes outliers, for example
    due to texture. Values between the centres of cells are interpolated.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale; values may lie outside it.
        estimator: A name ("mad", "block_dct:blocks=4096"), `{"name": ..., argument: ...}`, or an
            estimator.

    Returns:
        (B, 1, H, W), smooth.

    Raises:
        InputError: the image is empty, not finite, or not (B, C, H, W).
        UnknownNameError: the estimator is unknown.

    Example:
        >>> restorekit.noise_map(torch.rand(1, 3, 64, 96)).shape
        torch.Size([1, 1, 64, 96])
    """
    whole = estimate_sigma(image, estimator)
    overall = whole.square().mean(1).sqrt()
    measure = build_estimator(estimator)
    height, width = image.shape[-2:]
    side = max(_CELL, math.ceil(2 * max(height, width) / (_MOST_CELLS + 1)))
    tops, lefts = _starts(height, side), _starts(width, side)
    cells = torch.stack(
        [
            measure(image[..., top : top + side, left : left + side].float()).square().mean(1)
            for top in tops
            for left in lefts
        ],
        1,
    ).sqrt()
    # If noise is absent (a saturated sky) or hidden by texture, the whole picture is more reliable.
    cells = cells.clamp(overall[:, None] / 4, overall[:, None] * 4)
    smooth = _median_filter(cells.view(-1, len(tops), len(lefts)))
    down, across = (
        _interpolation_weights(height, tops, side),
        _interpolation_weights(width, lefts, side),
    )
    return (down.to(smooth) @ smooth @ across.to(smooth).T)[:, None]


def is_clean(sigma: Tensor | float) -> bool:
    """Whether the noise is too weak to be worth removing: below 1.2/255 in every channel.

    The threshold is low on purpose: noisy pictures never count as clean, while many clean ones
    count as noisy. `already_clean` also examines the picture.

    Args:
        sigma: The result of `estimate_sigma`, or a part of it.

    Example:
        >>> restorekit.is_clean(0.5 / 255), restorekit.is_clean(5 / 255)
        (True, False)
    """
    return bool((torch.as_tensor(sigma) < CLEAN).all())


def already_clean(image: Tensor, sigma: Tensor | None = None) -> bool:
    """Whether a picture has no noise worth removing and no visible JPEG blocks.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale.
        sigma: The result of `estimate_sigma`, if it is known.
    """
    sigma = estimate_sigma(image) if sigma is None else sigma
    rows, columns = (middle(length, MIDDLE) for length in image.shape[-2:])
    return is_clean(sigma) and blockiness(image[..., rows, columns]) < BLOCKY


def _starts(length: int, side: int) -> list[int]:
    """Start of each cell along an axis; cells overlap by half, the last ends at the border."""
    return evenly_spread(length, side, math.ceil(2 * max(0, length - side) / side) + 1)


def _median_filter(cells: Tensor) -> Tensor:
    """Median filter of (B, rows, columns) cells over 3x3 neighbourhoods, smaller at the border."""
    rows, columns = cells.shape[1:]
    return torch.stack(
        [
            cells[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].flatten(1).quantile(0.5, dim=1)
            for y in range(rows)
            for x in range(columns)
        ],
        1,
    ).view(-1, rows, columns)


def _interpolation_weights(length: int, starts: list[int], side: int) -> Tensor:
    """Weights (length, cells) of linear interpolation between the centres of cells."""
    if len(starts) == 1:
        return torch.ones(length, 1)
    step = (starts[-1] - starts[0]) / (len(starts) - 1)
    place = ((torch.arange(length) + 0.5 - side / 2) / step).clamp(0, len(starts) - 1)
    return (1 - (place[:, None] - torch.arange(len(starts))).abs()).clamp_min(0)
