"""Removing coarse noise at coarse scales, before the network sees the image itself.

A network for white noise takes coarse noise for detail. In an image whose pixels are averaged, the
same noise is finer and nearly white, while white noise is weak. So the image is restored at the
coarsest scale first, and what that changes is subtracted at the next finer scale. At each scale the
network is given only the level that the coarser ones leave.

At the scale 2s, each average of 2x2 pixels of the image at the scale s is one value, at all four
positions of the grid. The four changes are averaged, so that the grid leaves no trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.networks.network import Network
from restorekit.restore.canvas import Canvas
from restorekit.restore.noise_level import NoiseLevel
from restorekit.restore.tiles.stitch import Stitching, stitch
from restorekit.restore.value_scale import UNIT

_LEAST_SIDE = 16  # pixels of an image at its coarsest scale
_ROWS = 512  # of a band; even
_ALL = slice(None)


@dataclass(frozen=True)
class ScaleShares:
    """Which share of the noise is removed at which scale.

    Attributes:
        shares: level that the network is given at 1x, 2x, 4x ..., relative to that of the image.
            Its length is the number of scales. One tensor (B, 1, 1, 1) a scale.
    """

    shares: tuple[Tensor, ...]

    @classmethod
    def of(cls, levels: Sequence[Sequence[float]], count: int) -> ScaleShares:
        """The shares for images whose noise has these levels.

        Args:
            levels: levels at 1x, 2x, 4x ... of each image.
            count: number of scales.
        """
        shares = torch.tensor(levels).float()[:, :count]
        shares = shares / shares[:, :1].clamp_min(1e-12)
        finer = shares[:, :-1].square() - shares[:, 1:].square()
        left = torch.cat([finer.clamp_min(0).sqrt(), shares[:, -1:]], 1)
        return cls(tuple(left.T[:, :, None, None, None]))

    def level(self, level: NoiseLevel | None, scale: int) -> NoiseLevel | None:
        """The level that the network is given at a scale.

        Args:
            level: level of the images; None for a blind network.
            scale: 0 for 1x, 1 for 2x, and so on.
        """
        if level is None:
            return None
        # A noise curve is that of the pixels, not of their averages.
        stabilizer = level.stabilizer if scale == 0 else None
        sigma = level.sigma * self.shares[scale].to(level.sigma)
        return replace(level, sigma=sigma, stabilizer=stabilizer)


def join_shares(shares: Sequence[ScaleShares | None]) -> ScaleShares | None:
    """Join the shares of several images, all of one number of scales, as those of a batch."""
    known = [each.shares for each in shares if each is not None]
    return ScaleShares(tuple(map(torch.cat, zip(*known, strict=True)))) if known else None


def remove_coarse_noise(
    canvas: Canvas,
    network: Network,
    how: Stitching,
    level: NoiseLevel | None,
    shares: ScaleShares,
) -> Tensor | None:
    """Find the coarse noise of images.

    Args:
        canvas: the images.
        network: the network; the caller has entered its `running` context.
        how: the tiles, at every scale.
        level: noise level of the images, for a network that takes it.
        shares: the scales.

    Returns:
        The noise, (B, C, H, W), to subtract from the images; None if they are restored at 1x only.
    """
    dtype = torch.float64 if network.dtype == torch.float64 else torch.float32
    change: Tensor | None = None
    for scale in range(_number_of_scales(canvas.size, len(shares.shares)) - 1, 0, -1):
        # At the scale 2^k, averages of 2x2 pixels of the image at half of that scale are restored.
        found = _averages(canvas, 2 ** (scale - 1), change, dtype)
        _subtract_restored(canvas, found, network, how, shares.level(level, scale))
        _spread(found)
        if change is not None:
            for rows in _bands(found.shape[2]):
                found[:, :, rows] += _enlarged(change, rows, found.shape[3])
        change = found
    return change


def _number_of_scales(size: tuple[int, int], count: int) -> int:
    """As many scales as an image is large enough for."""
    while count > 1 and min(size) < _LEAST_SIDE * 2 ** (count - 1):
        count -= 1
    return count


def _bands(height: int) -> list[slice]:
    """Bands of rows, so that only one copy of a large image is in memory."""
    return [slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS)]


def _averages(canvas: Canvas, side: int, change: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The images at a scale, less a change at the next coarser one, in averages of 2x2 pixels.

    Args:
        canvas: the images.
        side: pixels of the images along each axis for one at this scale.
        change: what coarser scales change.
        dtype: floating point type.
    """
    images = canvas.source
    height, width = (-(-length // side) for length in canvas.size)
    averages = torch.empty(*images.shape[:2], height, width, dtype=dtype, device=images.device)
    for rows in _bands(height):
        below = min(rows.stop + 1, height)  # the averages reach one row down
        image = canvas.read(_ALL, slice(rows.start * side, below * side), _ALL, dtype)
        if side > 1:
            image = functional.avg_pool2d(image, side, ceil_mode=True)
        if change is not None:
            image -= _enlarged(change, slice(rows.start, below), width)
        margins = (0, 1, 0, 1 + rows.stop - below)
        image = functional.pad(image, margins, mode="replicate")
        averages[:, :, rows] = functional.avg_pool2d(image, 2, 1)
    return averages


def _enlarged(change: Tensor, rows: slice, width: int) -> Tensor:
    """Rows of a change at the next finer scale."""
    first = max(rows.start // 2 - 1, 0)
    part = change[:, :, first : (rows.stop + 1) // 2 + 1]
    larger = functional.interpolate(part, scale_factor=2, mode="bilinear", align_corners=False)
    return larger[:, :, rows.start - 2 * first : rows.stop - 2 * first, :width]


def _subtract_restored(
    canvas: Canvas, averages: Tensor, network: Network, how: Stitching, level: NoiseLevel | None
) -> None:
    """Subtract from averages what the network makes of them, at each position of the grid."""
    for top, left in product((0, 1), (0, 1)):
        phase = averages[..., top::2, left::2]
        if not phase.numel():
            continue
        source = phase.contiguous()
        restored = replace(
            canvas, source=source, result=torch.empty_like(source), scale=UNIT, removed=None
        )
        stitch(restored, network, how, _resized(level, restored.size))
        phase -= restored.result


def _spread(averages: Tensor) -> None:
    """Give each pixel the mean of the four averages that it is part of, in place."""
    for rows in reversed(_bands(averages.shape[2])):  # the rows above are still unchanged
        above = max(rows.start - 1, 0)
        margins = (1, 0, 1 - (rows.start - above), 0)
        padded = functional.pad(averages[:, :, above : rows.stop], margins, mode="replicate")
        averages[:, :, rows] = functional.avg_pool2d(padded, 2, 1)


def _resized(level: NoiseLevel | None, size: tuple[int, int]) -> NoiseLevel | None:
    """The level for an image of another size; a map is resized."""
    if level is None or not level.reduction:
        return level
    sigma = functional.interpolate(level.sigma, size, mode="area")
    return replace(level, sigma=sigma, reduction=1)
