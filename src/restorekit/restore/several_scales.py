"""Removing coarse noise at coarse scales, before the network sees the image itself.

A network for white noise takes coarse noise for detail. In an image whose pixels are averaged, the
same noise is finer and nearly white, while white noise is weak. So the image is restored at the
coarsest scale first, and what that changes is subtracted at the next finer scale. At each scale the
network is given only the level that the coarser ones leave.

At the scale 2s, each average of 2x2 pixels of the image at the scale s is one value. So that the
grid leaves no trace, its change is averaged over two positions of the grid. In large images there
is one, and the change is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
# Positions of the grid of 2x2 pixels. The second one gains nothing in photographs, but up to 1.6 dB
# in micrographs of a wide field; a third and a fourth one gain nothing.
_POSITIONS = ((0, 0), (1, 1))
_LARGE = 8_000_000  # pixels of an image from which on one position must do: a fifth of the time


@dataclass(frozen=True)
class ScaleShares:
    """Which share of the noise is removed at which scale.

    Attributes:
        shares: level that the network is given at 1x, 2x, 4x ..., relative to that of the image.
            Its length is the number of scales. One tensor (B, 1, 1, 1) a scale.
        grid: top and left of the squares of 2x2 pixels of which the noise is the same; None if
            there are none.
    """

    shares: tuple[Tensor, ...]
    grid: tuple[int, int] | None = None

    @classmethod
    def of(
        cls, levels: Sequence[Sequence[float]], count: int, grid: tuple[int, int] | None = None
    ) -> ScaleShares:
        """The shares for images whose noise has these levels.

        Args:
            levels: levels at 1x, 2x, 4x ... of each image.
            count: number of scales.
            grid: see the attributes.
        """
        shares = torch.tensor(levels).float()[:, :count]
        shares = shares / shares[:, :1].clamp_min(1e-12)
        finer = shares[:, :-1].square() - shares[:, 1:].square()
        left = torch.cat([finer.clamp_min(0).sqrt(), shares[:, -1:]], 1)
        return cls(tuple(left.T[:, :, None, None, None]), grid)

    def averaging(self, scale: int, pixels: int) -> tuple[Sequence[tuple[int, int]], str]:
        """Where images are averaged to a scale, and how their change is enlarged again.

        Args:
            scale: from 1 for 2x.
            pixels: number of pixels at the next finer scale.

        Returns:
            The positions of the grid, and "nearest" or "bilinear".
        """
        if scale == 1 and self.grid is not None:
            # Between squares of equal noise, averages would mix values of two of them.
            return (self.grid,), "nearest"
        return (_POSITIONS, "nearest") if pixels < _LARGE else (_POSITIONS[:1], "bilinear")

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
    known = [each for each in shares if each is not None]
    if not known:
        return None
    joined = tuple(map(torch.cat, zip(*(each.shares for each in known), strict=True)))
    return ScaleShares(joined, known[0].grid)


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
    noise: Tensor | None = None
    for scale in range(_number_of_scales(canvas.size, len(shares.shares)) - 1, 0, -1):
        # At the scale 2^k, averages of 2x2 pixels of the image at half of that scale are restored.
        image = _ScaledImage.of(canvas, 2 ** (scale - 1), noise, network)
        found = image.empty_noise()
        positions, enlargement = shares.averaging(scale, found.shape[2] * found.shape[3])
        for position in positions:
            averages = image.averages(*position)
            restored = replace(
                canvas, source=averages, result=torch.empty_like(averages), scale=UNIT, removed=None
            )
            stitch(restored, network, how, _resized(shares.level(level, scale), restored.size))
            change = averages.sub_(restored.result).div_(len(positions))
            _add_enlarged(found, change, position, enlargement)
        noise = found
    return noise


def _number_of_scales(size: tuple[int, int], count: int) -> int:
    """As many scales as an image is large enough for."""
    while count > 1 and min(size) < _LEAST_SIDE * 2 ** (count - 1):
        count -= 1
    return count


def _bands(height: int) -> list[slice]:
    """Bands of rows, so that only one copy of a large image is in memory."""
    return [slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS)]


@dataclass(frozen=True)
class _ScaledImage:
    """The images of a canvas at a scale, without the noise that was found at coarser ones.

    Attributes:
        canvas: the images.
        noise: the noise at the next coarser scale; None at the coarsest.
        dtype: floating point type of what is computed.
        pixels: the images at this scale; None for those of the canvas, which are not copied.
    """

    canvas: Canvas
    noise: Tensor | None
    dtype: torch.dtype
    pixels: Tensor | None = None

    @classmethod
    def of(cls, canvas: Canvas, side: int, noise: Tensor | None, network: Network) -> _ScaledImage:
        """The images in averages of `side` x `side` pixels."""
        dtype = torch.float64 if network.dtype == torch.float64 else torch.float32
        if side == 1:
            return cls(canvas, noise, dtype)
        height, width = (-(-length // side) for length in canvas.size)
        images = canvas.source
        pixels = torch.empty(*images.shape[:2], height, width, dtype=dtype, device=images.device)
        for rows in _bands(height):
            part = canvas.read(_ALL, slice(rows.start * side, rows.stop * side), _ALL, dtype)
            pixels[:, :, rows] = functional.avg_pool2d(part, side, ceil_mode=True)
        return cls(canvas, noise, dtype, pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        if self.pixels is None:
            return self.canvas.size
        return self.pixels.shape[2], self.pixels.shape[3]

    def rows(self, rows: slice) -> Tensor:
        """Some rows, (B, C, h, W)."""
        if self.pixels is None:
            part = self.canvas.read(_ALL, rows, _ALL, self.dtype)
        else:
            part = self.pixels[:, :, rows]
        if self.noise is None:
            return part
        return part - _enlarged(self.noise, rows, part.shape[3])

    def averages(self, top: int, left: int) -> Tensor:
        """The averages of the squares of 2x2 pixels of a grid with this offset, 0 or 1.

        The squares cover every pixel. Those that extend over the border repeat the pixels there.
        """
        shape, (height, width) = self.canvas.source.shape[:2], self.size
        down, across = -(-(height + top) // 2), -(-(width + left) // 2)
        device = self.canvas.source.device
        averages = torch.empty(*shape, down, across, dtype=self.dtype, device=device)
        for squares in _bands(down):
            first, last = 2 * squares.start - top, 2 * squares.stop - top
            part = self.rows(slice(max(first, 0), min(last, height)))
            margins = (left, 2 * across - width - left, max(-first, 0), max(last - height, 0))
            part = functional.pad(part, margins, mode="replicate")
            averages[:, :, squares] = functional.avg_pool2d(part, 2)
        return averages

    def empty_noise(self) -> Tensor:
        """A tensor for the noise of these images, with that of the coarser scales."""
        source, (height, width) = self.canvas.source, self.size
        # Half precision is much finer than the steps of 8 bits, and takes half of the memory.
        dtype = torch.float16 if source.element_size() == 1 else self.dtype
        noise = torch.zeros(*source.shape[:2], height, width, dtype=dtype, device=source.device)
        if self.noise is not None:
            for rows in _bands(height):
                noise[:, :, rows] = _enlarged(self.noise, rows, width)
        return noise


def _enlarged(noise: Tensor, rows: slice, width: int, mode: str = "bilinear") -> Tensor:
    """Rows of the noise of a scale at the next finer one."""
    first = max(rows.start // 2 - 1, 0)
    part = noise[:, :, first : (rows.stop + 1) // 2 + 1]
    part = part.float() if part.dtype == torch.float16 else part
    larger = functional.interpolate(part, scale_factor=2, mode=mode)
    return larger[:, :, rows.start - 2 * first : rows.stop - 2 * first, :width]


def _add_enlarged(noise: Tensor, change: Tensor, position: tuple[int, int], mode: str) -> None:
    """Add to the noise, in place, the change of the averages at a position of the grid."""
    (top, left), (height, width) = position, noise.shape[2:]
    for rows in _bands(height):
        places = slice(rows.start + top, rows.stop + top)
        larger = _enlarged(change, places, left + width, mode)
        noise[:, :, rows] += larger[..., left:].to(noise.dtype)


def _resized(level: NoiseLevel | None, size: tuple[int, int]) -> NoiseLevel | None:
    """The level for an image of another size; a map is resized."""
    if level is None or not level.reduction:
        return level
    sigma = functional.interpolate(level.sigma, size, mode="area")
    return replace(level, sigma=sigma, reduction=1)
