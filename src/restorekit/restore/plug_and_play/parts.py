"""Large images in parts: each part is solved alone, and blended with its neighbours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil, lcm, prod
from typing import Literal

import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.memory import available_memory, format_size, memory_errors
from restorekit.restore.canvas import Canvas
from restorekit.restore.plug_and_play.prior import DenoiserPrior
from restorekit.restore.tiles.bands import BandWriter, bands_of
from restorekit.restore.tiles.tile_layout import PixelRange, TileSpan, divide_axis, read_extent

PartSide = int | Literal["auto"] | None
# Some rows and columns of the result (1, C, h, w), from the same ones of the canvas.
SolvePart = Callable[[slice, slice], Tensor]

_BLEND = 64  # pixels; wide, since parts differ a little from the whole image
_SMALLEST = 64  # side of a part without its margins
_SHARE = 0.5  # of the free memory, which the denoiser needs too
_BAND_BYTES = 8  # of memory for each value of a row of parts, until it is written
# The influence of a cut fades over several widths of the blur, and in the eight or more uses of
# the denoiser over a little more than the distance that a single one reaches.
_BLUR_WIDTHS = 6
_LEAST_MARGIN = 32
_MUCH_WORK = 8  # times that of the whole image, from which on a message explains it

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Needs:
    """What solving a part takes.

    Attributes:
        value_bytes: bytes of memory for each value of the part.
        prior: the denoiser.
        border: pixels around the part that are computed too.
        blur: reach of the blur, in pixels of the result.
        scale: rows and columns at which parts start are multiples of it.
        whole_bytes: bytes of memory for each pixel of the whole image, if it is divided.
    """

    value_bytes: int
    prior: DenoiserPrior
    border: int = 0
    blur: int = 0
    scale: int = 1
    whole_bytes: int = 0

    def memory(self, height: int, width: int, channels: int) -> int:
        """Bytes that a part needs."""
        area = (height + 2 * self.border) * (width + 2 * self.border)
        return self.value_bytes * channels * area

    @property
    def margin(self) -> int:
        """Distance in pixels up to which a cut noticeably affects the result."""
        return max(self.prior.reach, _LEAST_MARGIN) + _BLUR_WIDTHS * self.blur

    @property
    def alignment(self) -> int:
        """The distances of a part from the borders of the image are multiples of it."""
        return lcm(self.prior.alignment, self.scale)


@dataclass(frozen=True)
class Parts:
    """How an image is divided.

    Attributes:
        side: largest distance between seams; None for the whole image.
        margin: distance from a cut from which on its influence is negligible.
        alignment: the distances of a part from the borders of the image are multiples of it.
    """

    side: int | None = None
    margin: int = 0
    alignment: int = 1

    def spans(self, length: int) -> list[TileSpan]:
        """The parts of an axis."""
        return divide_axis(length, self.side or length, _BLEND)

    def extent(self, span: TileSpan, length: int) -> PixelRange:
        """The rows from which those of a part are solved."""
        # Aligned at both ends, because the prior sees the image from all sides.
        ends = (span.low, span.high, length, self.margin, self.alignment)
        return read_extent(*ends)[0], read_extent(*ends, mirrored=True)[1]

    def work(self, size: tuple[int, int]) -> float:
        """How often a pixel of an image of a height and width is solved, on average."""
        return prod(sum(self._lengths(length)) / length for length in size)

    def memory(self, canvas: Canvas, needs: Needs) -> int:
        """Bytes that are needed while the largest part of an image is solved."""
        rows, columns = map(self._lengths, canvas.size)
        channels, (height, width) = canvas.source.shape[1], canvas.size
        part = needs.memory(max(rows), max(columns), channels)
        if self.side is None:
            return part
        band = _BAND_BYTES * (self.side + _BLEND) * width
        return part + channels * band + needs.whole_bytes * height * width

    def _lengths(self, length: int) -> list[int]:
        """How many rows of an axis are solved for each part."""
        extents = (self.extent(span, length) for span in self.spans(length))
        return [stop - start for start, stop in extents]


def choose_parts(canvas: Canvas, needs: Needs, side: PartSide) -> Parts:
    """Divide an image.

    Args:
        canvas: the image.
        needs: what a part takes.
        side: the result of `check_tile`; "auto" divides an image that does not fit into the free
            memory as a whole, into as few parts as half of that memory allows.

    Raises:
        InputError: there is not enough memory.
    """
    free = available_memory(canvas.source.device)
    whole = Parts()
    needed = whole.memory(canvas, needs)
    longest = max(canvas.size)
    if side is None or (side == "auto" and needed <= free) or (side != "auto" and side >= longest):
        parts = whole
    elif side == "auto":
        parts = _fewest(canvas, needs, _SHARE * free)
    else:
        parts = Parts(side, needs.margin, needs.alignment)
    if parts.memory(canvas, needs) > free:
        height, width = canvas.size
        smaller = f", in parts of {parts.side} pixels {format_size(parts.memory(canvas, needs))}"
        advice = "" if side == "auto" else "; leave the choice of parts to tile 'auto'"
        raise InputError(
            f"a result of {width}x{height} pixels needs about {format_size(needed)} of memory"
            f"{'' if parts.side is None else smaller}, and {format_size(free)} are free{advice}"
        )
    return parts


def _fewest(canvas: Canvas, needs: Needs, limit: float) -> Parts:
    """The largest parts that need no more than a limit, or the smallest ones."""
    longest = max(canvas.size)
    for number in count(2):
        side = max(ceil(longest / number), _SMALLEST)
        parts = Parts(side, needs.margin, needs.alignment)
        if side == _SMALLEST or parts.memory(canvas, needs) <= limit:
            break
    return parts


def solve_parts(canvas: Canvas, samples: slice, parts: Parts, solve: SolvePart) -> None:
    """Write the result of one image.

    Args:
        canvas: the image, and where the result is written.
        samples: which image of the batch.
        parts: how it is divided.
        solve: solves a part.

    Raises:
        InsufficientMemoryError: an allocation failed.
    """
    if parts.side is not None:
        LOGGER.info("in parts of %d pixels, with margins of %d", parts.side, parts.margin)
        if (work := parts.work(canvas.size)) >= _MUCH_WORK:
            LOGGER.info(
                "this takes about %.0f times as long as the whole image at once, because the "
                "margins are wide for such small parts; larger ones need more memory",
                work,
            )
    piece, writer = _SolvedPiece(canvas, samples, parts, solve), BandWriter(canvas, samples)
    rows, columns = (parts.spans(length) for length in canvas.size)
    with memory_errors(lambda: "to solve a part of the image; use a smaller tile"):
        for start, band, unread in bands_of(piece, rows, columns):
            writer.write(start, band, unread)


@dataclass(frozen=True)
class _SolvedPiece:
    """Solves any rectangle of an image, when called."""

    canvas: Canvas
    samples: slice
    parts: Parts
    solve: SolvePart
    dtype: torch.dtype = torch.float32

    def __call__(self, row: TileSpan, column: TileSpan) -> Tensor:
        height, width = self.canvas.size
        top, bottom = self.parts.extent(row, height)
        left, right = self.parts.extent(column, width)
        part = self.solve(slice(top, bottom), slice(left, right))
        return part[..., row.low - top : row.high - top, column.low - left : column.high - left]

    def first_read(self, row: TileSpan) -> int:
        """The first row of the canvas that is needed to solve these rows."""
        return self.parts.extent(row, self.canvas.size[0])[0]
