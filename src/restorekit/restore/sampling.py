"""Parts that stand for a large picture: its middle, or evenly spread tiles."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

SIDE = 128


def middle(length: int, side: int) -> slice:
    """The middle `side` of so many pixels, or all of them."""
    start = max(0, length - side) // 2
    return slice(start, min(start + side, length))


def miniature(read: Callable[[slice, slice], Tensor], size: tuple[int, int], pixels: int) -> Tensor:
    """A picture, or even tiles of it side by side: no more than so many pixels.

    The seams are no matter to estimators, which look for what is flat.

    Args:
        read: gives some rows and columns of the picture as (..., h, w).
        size: (H, W) of the picture.
        pixels: how many at most.
    """
    tiles = even_tiles(*size, pixels)
    if tiles is None:
        return read(slice(0, size[0]), slice(0, size[1]))
    rows, columns = ([slice(place, place + SIDE) for place in places] for places in tiles)
    return torch.cat([torch.cat([read(row, x) for x in columns], -1) for row in rows], -2)


def even_tiles(height: int, width: int, pixels: int) -> tuple[list[int], list[int]] | None:
    """The tops and lefts of tiles of 128x128 pixels that hold at most `pixels` together.

    Returns:
        None where the whole picture has no more than that.
    """
    share = math.sqrt(pixels / (height * width))
    if share >= 1:
        return None
    return _spread(height, share), _spread(width, share)


def _spread(length: int, share: float) -> list[int]:
    # A side shorter than a tile gives one tile that is as short.
    last, count = max(0, length - SIDE), max(1, int(length * share) // SIDE)
    if count == 1:
        return [last // 2]
    return [round(last * k / (count - 1)) for k in range(count)]
