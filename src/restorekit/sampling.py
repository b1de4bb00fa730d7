"""Samples of a large picture: its centre, or evenly spread tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 128


def middle(length: int, side: int) -> slice:
    """The central `side` pixels of an axis, or all of them."""
    start = max(0, length - side) // 2
    return slice(start, min(start + side, length))


def miniature(read: Callable[[slice, slice], Tensor], size: tuple[int, int], pixels: int) -> Tensor:
    """A picture, or evenly spread tiles of it joined to one, of at most `pixels` pixels.

    The seams between tiles do not affect noise estimators, which use flat areas.

    Args:
        read: returns rows and columns of the picture as (..., h, w).
        size: (H, W) of the picture.
        pixels: largest number of pixels.
    """
    import torch

    tiles = even_tiles(*size, pixels)
    if tiles is None:
        return read(slice(0, size[0]), slice(0, size[1]))
    rows, columns = ([slice(place, place + SIDE) for place in places] for places in tiles)
    return torch.cat([torch.cat([read(row, x) for x in columns], -1) for row in rows], -2)


def even_tiles(
    height: int, width: int, pixels: int, side: int = SIDE, grid: int = 1
) -> tuple[list[int], list[int]] | None:
    """Top and left positions of square tiles with at most `pixels` pixels in total.

    Args:
        height: height of the picture.
        width: width of the picture.
        pixels: largest number of pixels; there is always at least one tile.
        side: side of a tile. A shorter side of the picture is the side of its tiles too.
        grid: positions are multiples of this number.

    Returns:
        None if the whole picture has at most `pixels` pixels.
    """
    share = math.sqrt(pixels / (height * width))
    if share >= 1:
        return None
    most = max(1, pixels // (min(side, height) * min(side, width)))
    down = min(most, max(1, int(height * share) // side))
    across = min(most // down, max(1, int(width * share) // side))
    return evenly_spread(height, side, down, grid), evenly_spread(width, side, across, grid)


def evenly_spread(length: int, side: int, count: int, grid: int = 1) -> list[int]:
    """Start positions of evenly spread parts, from one end of an axis to the other.

    Args:
        length: length of the axis in pixels.
        side: length of a part. If it exceeds `length`, every part starts at 0.
        count: number of parts, at least 1; a single one lies in the centre.
        grid: positions are rounded down to multiples of this number.
    """
    last = max(0, length - side)
    places = [last // 2] if count == 1 else [round(last * k / (count - 1)) for k in range(count)]
    return [place // grid * grid for place in places]
