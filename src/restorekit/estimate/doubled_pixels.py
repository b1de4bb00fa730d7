"""Noise of which squares of 2x2 pixels have one value, as after enlarging without interpolation.

The mixed difference of 2x2 pixels, down and across, contains such noise only where the corners of
four squares meet. The picture contributes little to it, and the same everywhere.
"""

from __future__ import annotations

from itertools import product

from torch import Tensor
from torch.nn import functional

from restorekit.luma import luma

_SIDE = 16  # of the blocks, in pixels
_FLATTEST = 0.1  # share of the blocks in which the differences are compared
_PERIOD = 8  # of the blocks of a JPEG, whose borders must not count as those of squares
# How much stronger the differences at corners are. Bilinear interpolation reaches 4.
_STRONGER = 5.0


def doubled_grid(pieces: Tensor) -> tuple[int, int] | None:
    """The top and left, 0 or 1, of the squares of 2x2 pixels with equal noise; None without.

    Args:
        pieces: (N, C, h, w), of one picture, at even rows and columns of it.
    """
    if min(pieces.shape[-2:]) <= _SIDE:
        return None
    # Luma, because a JPEG has its colour at half of the resolution.
    planes = luma(pieces) if pieces.shape[1] == 3 else pieces
    power = planes.diff(dim=2).diff(dim=3).square()
    at = _power_by_place(power).reshape(_PERIOD // 2, 2, _PERIOD // 2, 2)
    for top, left in product((0, 1), (0, 1)):
        corners = at[:, 1 - top, :, 1 - left]
        others = (at.sum() - corners.sum()) / (at.numel() - corners.numel())
        # The median, because the borders of JPEG blocks are at some of the places only.
        if float(corners.median()) > _STRONGER * float(others):
            return top, left
    return None


def _power_by_place(power: Tensor) -> Tensor:
    """Mean of a power in the flattest blocks, for each place in a block of a JPEG, (8, 8)."""
    height, width = (length // _SIDE * _SIDE for length in power.shape[2:])
    blocks = power[..., :height, :width].unfold(2, _SIDE, _SIDE).unfold(3, _SIDE, _SIDE)
    blocks = blocks.flatten(0, 3)
    totals = blocks.mean((1, 2))
    count = max(1, int(_FLATTEST * len(totals)))
    flattest = blocks[totals.topk(count, largest=False).indices].mean(0)
    by_column = flattest.unflatten(1, (-1, _PERIOD)).mean(1)
    by_place: Tensor = by_column.unflatten(0, (-1, _PERIOD)).mean(0)
    return by_place


def averaged_squares(pieces: Tensor, grid: tuple[int, int]) -> Tensor:
    """The pieces with one pixel for each square of 2x2 pixels."""
    top, left = grid
    return functional.avg_pool2d(pieces[..., top:, left:], 2)
