"""How noisy a picture is: one number for each channel, or a map; and whether it is clean.

The estimators are components, `restorekit list estimators`; here is what holds for any of them:
large pictures are sampled, stray black and white pixels are told from other noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from restorekit.components.kinds import estimators
from restorekit.errors import InputError
from restorekit.restore.defects import blockiness, impulses
from restorekit.restore.sampling import evenly_spread, middle, miniature

Spec = str | Mapping[str, Any] | Callable[[Tensor], Tensor]

DEFAULT = "block_dct"
# A cell of a map needs no more blocks than its smallest size has.
_FOR_CELLS: Mapping[str, Any] = {"name": DEFAULT, "blocks": 8192}
# Below this a picture counts as clean. JPEGs of real cameras whose noise is 2 to 4/255 measure from
# 1.4/255 up, white noise of 2/255 more than this on every test picture; a quarter of the clean test
# pictures measure less, the others have noise or texture that cannot be told from it.
CLEAN = 1.2 / 255
# Photographs measure up to 1/255 as they are, 2/255 and more as a JPEG of quality 30.
_BLOCKY = 1.5 / 255
SAMPLE = 2_000_000  # pixels
MIDDLE = 1024  # pixels a side, in which the blocks of a JPEG are looked for
_FEWEST_IMPULSES = 1e-3
_CELL, _MOST_CELLS = 64, 15


def estimate_sigma(image: Tensor, estimator: Spec = DEFAULT) -> Tensor:
    """The standard deviation of all the noise in each channel, impulses included.

    Of a picture above two megapixels an even sample of tiles is looked at, so that time and
    memory do not grow with it.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale; may lie outside it, as noise does.
        estimator: A name, `{"name": ..., argument: ...}`, or an estimator.

    Returns:
        (B, C), float32, on the [0, 1] scale, never negative.

    Raises:
        InputError: the image is empty, not finite, or not (B, C, H, W).
        UnknownNameError: there is no such estimator.
    """
    return sigma_and_impulses(image, estimator)[0]


@torch.no_grad()
def sigma_and_impulses(image: Tensor, estimator: Spec = DEFAULT) -> tuple[Tensor, Tensor]:
    """What `estimate_sigma` returns, and which channels have impulses, (B, C)."""
    if image.ndim != 4 or not image.numel():
        raise InputError(f"an image is (B, C, H, W) and not empty, not {tuple(image.shape)}")
    measure: Callable[[Tensor], Tensor] = estimators.build(estimator)
    height, width = image.shape[-2:]
    sample = miniature(lambda y, x: image[..., y, x], (height, width), SAMPLE).float()
    if not bool(torch.isfinite(sample).all()):
        raise InputError("an image's values must be finite; some are NaN or infinite")
    sigma = measure(sample)
    stray, cleared = torch.zeros_like(sigma), sample
    for index, plane in enumerate(sample.flatten(0, 1)):
        row, channel = divmod(index, image.shape[1])
        places, around = impulses(plane, float(sigma[row, channel]))
        if len(places) > max(1, _FEWEST_IMPULSES * plane.numel()):
            stray[row, channel] = (plane.flatten()[places] - around).square().sum() / plane.numel()
            cleared = sample.clone() if cleared is sample else cleared
            cleared[row, channel].view(-1)[places] = around
    if bool(stray.any()):
        sigma = (measure(cleared).square() + stray).sqrt()
    return sigma, stray > 0


@torch.no_grad()
def noise_map(image: Tensor, estimator: Spec = _FOR_CELLS) -> Tensor:
    """The standard deviation of the noise around each pixel, the root mean square of the channels.

    The picture is divided into overlapping cells of 64 pixels or, where it is large, as many as
    make 15 along its longer side; each is measured, single cells that stand out (by texture, say)
    are replaced by the median around them, and what lies between cells is interpolated.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale; may lie outside it.
        estimator: A name, `{"name": ..., argument: ...}`, or an estimator.

    Returns:
        (B, 1, H, W), smooth.

    Raises:
        InputError: the image is empty, not finite, or not (B, C, H, W).
        UnknownNameError: there is no such estimator.
    """
    whole = estimate_sigma(image, estimator)
    overall = whole.square().mean(1).sqrt()
    measure: Callable[[Tensor], Tensor] = estimators.build(estimator)
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
    # Where noise is absent (a saturated sky) or hidden by texture the picture as a whole says more.
    cells = cells.clamp(overall[:, None] / 4, overall[:, None] * 4)
    smooth = _median_around(cells.view(-1, len(tops), len(lefts)))
    down, across = _hats(height, tops, side), _hats(width, lefts, side)
    return (down.to(smooth) @ smooth @ across.to(smooth).T)[:, None]


def is_clean(sigma: Tensor | float) -> bool:
    """Whether noise is too weak to be worth removing: below 1.2/255 in every channel.

    The threshold is low on purpose: a noisy picture is never called clean, many a clean one is
    called noisy. See `already_clean` for a rule that looks at the picture too.

    Args:
        sigma: What `estimate_sigma` returns, or part of it.
    """
    return bool((torch.as_tensor(sigma) < CLEAN).all())


def already_clean(image: Tensor, sigma: Tensor | None = None) -> bool:
    """Whether a picture has no noise worth removing and no JPEG blocks to be seen.

    Args:
        image: (B, C, H, W), floats on the [0, 1] scale.
        sigma: What `estimate_sigma` says of it, where that is known.
    """
    sigma = estimate_sigma(image) if sigma is None else sigma
    rows, columns = (middle(length, MIDDLE) for length in image.shape[-2:])
    return is_clean(sigma) and blockiness(image[..., rows, columns]) < _BLOCKY


def _starts(length: int, side: int) -> list[int]:
    """Where cells of one side begin, half overlapping, the last one at the end."""
    return evenly_spread(length, side, math.ceil(2 * max(0, length - side) / side) + 1)


def _median_around(cells: Tensor) -> Tensor:
    """Each of (B, rows, columns) cells replaced by the median of the up to nine around it."""
    rows, columns = cells.shape[1:]
    return torch.stack(
        [
            cells[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].flatten(1).quantile(0.5, dim=1)
            for y in range(rows)
            for x in range(columns)
        ],
        1,
    ).view(-1, rows, columns)


def _hats(length: int, starts: list[int], side: int) -> Tensor:
    """(length, cells) weights that interpolate linearly between the middles of cells."""
    if len(starts) == 1:
        return torch.ones(length, 1)
    step = (starts[-1] - starts[0]) / (len(starts) - 1)
    place = ((torch.arange(length) + 0.5 - side / 2) / step).clamp(0, len(starts) - 1)
    return (1 - (place[:, None] - torch.arange(len(starts))).abs()).clamp_min(0)
