"""Joining tiles to bands of rows, which are written as soon as they are finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from restorekit.restore.canvas import Canvas
from restorekit.restore.tiles.tile_layout import TileSpan


class Piece(Protocol):
    """Restores any rectangle of some images of a canvas, when called."""

    @property
    def canvas(self) -> Canvas:
        """The images."""

    @property
    def samples(self) -> slice:
        """Which of them are restored."""

    @property
    def dtype(self) -> torch.dtype:
        """Floating point type of the restored rectangles."""

    def __call__(self, row: TileSpan, column: TileSpan) -> Tensor:
        """The restored rectangle, (B, C, h, w)."""

    def first_read(self, row: TileSpan) -> int:
        """The first row of the canvas that is needed to restore these rows."""


class BandWriter:
    """Writes finished rows. If the canvas is its own result, a row waits until no tile reads it."""

    def __init__(self, canvas: Canvas, samples: slice) -> None:
        self._canvas, self._samples = canvas, samples
        self._held: deque[tuple[int, Tensor]] = deque()  # in the type of the result, which is small

    def write(self, start: int, band: Tensor, unread: int) -> None:
        """Add the next rows.

        Args:
            start: the first row.
            band: (B, C, h, W).
            unread: rows above this one will not be read again.
        """
        if not self._canvas.is_in_place:
            unread = self._canvas.size[0]
        self._held.append((start, self._canvas.encode(band)))
        while self._held and self._held[0][0] < unread:
            start, rows = self._held.popleft()
            ready = min(unread - start, rows.shape[2])
            self._canvas.write(self._samples, slice(start, start + ready), rows[:, :, :ready])
            if ready < rows.shape[2]:
                # A copy, so that the rows already written can be freed.
                self._held.appendleft((unread, rows[:, :, ready:].clone()))


def bands_of(
    piece: Piece, rows: Sequence[TileSpan], columns: Sequence[TileSpan]
) -> Iterator[tuple[int, Tensor, int]]:
    """Finished rows of the result from top to bottom.

    Yields:
        The first row, the rows, (B, C, h, W), and the row above which nothing will be read again.
    """
    pending: Tensor | None = None  # rows that overlap with the next band
    for number, row in enumerate(rows):
        band = _band(piece, row, columns)
        if len(rows) > 1:
            band *= row.weights(band.dtype, band.device)[:, None]
        if pending is not None:
            band[:, :, : pending.shape[2]] += pending
        following = rows[number + 1] if number + 1 < len(rows) else None
        done = band.shape[2] if following is None else following.low - row.low
        unread = row.high if following is None else piece.first_read(following)
        yield row.low, band[:, :, :done], unread
        # A copy of the few rows, so that the band can be freed.
        pending = band[:, :, done:].clone()


def _band(piece: Piece, row: TileSpan, columns: Sequence[TileSpan]) -> Tensor:
    if len(columns) == 1:
        return piece(row, columns[0]).clone()
    source = piece.canvas.source[piece.samples]
    shape = (*source.shape[:2], row.high - row.low, source.shape[3])
    band = torch.zeros(shape, dtype=piece.dtype, device=source.device)
    for column in columns:
        weights = column.weights(band.dtype, band.device)
        band[..., column.low : column.high] += piece(row, column) * weights
    return band
