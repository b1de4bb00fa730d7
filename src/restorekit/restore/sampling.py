"""Evenly spread tiles that stand for a large picture."""

from __future__ import annotations

import math

SIDE = 128


def even_tiles(height: int, width: int, pixels: int) -> tuple[list[int], list[int]] | None:
    """The tops and lefts of tiles of 128x128 pixels that hold about `pixels` together.

    Returns:
        None where the whole picture has no more than that.
    """
    share = math.sqrt(pixels / (height * width))
    if share >= 1:
        return None
    return _spread(height, share), _spread(width, share)


def _spread(length: int, share: float) -> list[int]:
    # A side shorter than a tile gives one tile that is as short.
    last, count = max(0, length - SIDE), max(1, round(length * share / SIDE))
    if count == 1:
        return [last // 2]
    return [round(last * k / (count - 1)) for k in range(count)]
