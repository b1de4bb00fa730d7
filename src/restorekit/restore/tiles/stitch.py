"""Restoring a canvas tile by tile with a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.networks.network import Network
from restorekit.restore.canvas import Canvas
from restorekit.restore.network_call import call_network
from restorekit.restore.noise_level import NoiseLevel
from restorekit.restore.safeguard.guard import Guard
from restorekit.restore.safeguard.window import RADIUS
from restorekit.restore.strength import FULL, Strength
from restorekit.restore.tiles.bands import BandWriter, bands_of
from restorekit.restore.tiles.tile_layout import TileSpan, divide_axis, read_extent
from restorekit.symmetry import IDENTITY, Symmetry

# Pixels of small images in one batch. On a CPU a larger batch in float32 does not fit in the cache
# and is slower than its images one by one.
_AT_ONCE = {"cpu": 2 * 256**2}
_AT_ONCE_ELSEWHERE = 1024**2


@dataclass(frozen=True)
class Stitching:
    """How an image is divided into tiles.

    Attributes:
        tile: largest distance between seams; None for the whole image.
        margin: distance up to which a cut affects the result.
        blend: number of rows over which neighbouring tiles are blended.
        turns: flips and rotations over which the result is averaged.
        most: largest number of images of a batch that are processed at once; None for the fastest.
    """

    tile: int | None = None
    margin: int = 0
    blend: int = 0
    turns: Sequence[Symmetry] = IDENTITY
    most: int | None = None

    def at_once(self, canvas: Canvas, network: Network) -> int:
        """Number of images of a canvas that go through a network at once."""
        area = math.prod(min(length, self.tile or length) for length in canvas.size)
        fast = max(1, pixels_at_once(network) // area)
        return min(len(canvas.source), fast if self.most is None else self.most)


def pixels_at_once(network: Network) -> int:
    """Number of pixels of small images that go through a network in one batch."""
    device = "cpu" if network.device is None else network.device.type
    return _AT_ONCE.get(device, _AT_ONCE_ELSEWHERE)


def stitch(
    canvas: Canvas,
    network: Network,
    how: Stitching,
    level: NoiseLevel | None = None,
    strength: Strength = FULL,
    guard: Guard | None = None,
) -> None:
    """Restore a canvas into its result.

    Args:
        canvas: the canvas to restore.
        network: the network; the caller has entered its `running` context.
        how: the tiles.
        level: standard deviation of the noise, for a network that takes it.
        strength: share of the change that is applied.
        guard: limits the change of each image. If there are several tiles, every image must have
            been judged.
    """
    height, width = canvas.size
    rows = divide_axis(height, how.tile or height, how.blend)
    columns = divide_axis(width, how.tile or width, how.blend)
    # Never half precision, whose rounding would show in smooth skies.
    dtype = torch.float64 if network.dtype == torch.float64 else torch.float32
    step = how.at_once(canvas, network)
    for first in range(0, len(canvas.source), step):
        samples = slice(first, first + step)
        piece = _Piece(canvas, network, how, level, samples, dtype, guard)
        writer = BandWriter(canvas, samples)
        for start, band, unread in bands_of(piece, rows, columns):
            if guard is not None and guard.leaves(samples):
                canvas.leave(samples)
                break
            if not strength.is_full:
                place = slice(start, start + band.shape[2])
                original = canvas.read(samples, place, slice(None), dtype)
                band = strength.apply(original, band)
            writer.write(start, band, unread)


@dataclass(frozen=True)
class _Piece:
    """Restores any rectangle of some images of a canvas, when called."""

    canvas: Canvas
    network: Network
    how: Stitching
    level: NoiseLevel | None
    samples: slice
    dtype: torch.dtype
    guard: Guard | None

    def __call__(self, row: TileSpan, column: TileSpan) -> Tensor:
        piece = self._limited(row, column)
        # After the guard, which would limit the removal of chroma noise.
        return piece.mean(1, keepdim=True).expand_as(piece) if self.canvas.is_neutral else piece

    def _limited(self, row: TileSpan, column: TileSpan) -> Tensor:
        if self.guard is None:
            return self._restored(row, column)
        # The window of the guard needs that many more pixels on each side of the cut.
        wide_row, wide_column = self._widened(row, 0), self._widened(column, 1)
        restored = self._restored(wide_row, wide_column)
        place = slice(wide_row.low, wide_row.high), slice(wide_column.low, wide_column.high)
        noisy = self.canvas.read(self.samples, *place, self.dtype)
        limited = self.guard.limit(self.samples, noisy, restored)
        top, left = row.low - wide_row.low, column.low - wide_column.low
        height, width = row.high - row.low, column.high - column.low
        return limited[..., top : top + height, left : left + width]

    def _widened(self, segment: TileSpan, axis: int) -> TileSpan:
        if self.how.tile is None or self.guard is None:
            return segment
        high = min(segment.high + RADIUS, self.canvas.size[axis])
        return TileSpan(max(segment.low - RADIUS, 0), high)

    def _restored(self, row: TileSpan, column: TileSpan) -> Tensor:
        total: Tensor | None = None
        for turn in self.how.turns:
            restored = self._turned(turn, row, column)
            total = restored if total is None else total + restored
        assert total is not None
        if len(self.how.turns) > 1:
            total = total / len(self.how.turns)
        return total

    @property
    def _alignment(self) -> int:
        # Without tiles it is not needed, and it may have to be measured.
        return 1 if self.how.tile is None else self.network.alignment

    def first_read(self, row: TileSpan) -> int:
        """The first row of the canvas that is needed to restore these rows."""
        row = self._widened(row, 0)
        height, margin, alignment = self.canvas.size[0], self.how.margin, self._alignment
        return min(
            read_extent(row.low, row.high, height, margin, alignment, turn.down)[0]
            for turn in self.how.turns
        )

    def _turned(self, turn: Symmetry, row: TileSpan, column: TileSpan) -> Tensor:
        height, width = self.canvas.size
        margin, alignment = self.how.margin, self._alignment
        top, bottom = read_extent(row.low, row.high, height, margin, alignment, turn.down)
        left, right = read_extent(column.low, column.high, width, margin, alignment, turn.across)
        place = slice(top, bottom), slice(left, right)
        noisy = self.canvas.read_for_network(self.samples, *place, self.dtype)
        where = (self.samples, *place)
        restored = call_network(self.network, noisy, self.level, where, self.canvas.colours, turn)
        return restored[..., row.low - top : row.high - top, column.low - left : column.high - left]
