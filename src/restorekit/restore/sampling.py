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

    Args:
        height: of the picture.
        width: of the picture.
        pixels: how many at most, but that one tile there always is.

    Returns:
        None where the whole picture has no more than that.
    """
    share = math.sqrt(pixels / (height * width))
    if share >= 1:
        return None
    # A side shorter than a tile gives one tile that is as short.
    tops, lefts = (
        evenly_spread(length, SIDE, max(1, int(length * share) // SIDE))
        for length in (height, width)
    )
    return tops, lefts


def evenly_spread(length: int, side: int, count: int) -> list[int]:
    """Where so many parts of a side begin, from one end of a length to the other, evenly.

    Args:
        length: the pixels to spread them over.
        side: of a part; where it is longer than all, each begins at 0.
        count: how many, at least 1; one alone lies in the middle.
    """
    last = max(0, length - side)
    if count == 1:
        return [last // 2]
    return [round(last * k / (count - 1)) for k in range(count)]
