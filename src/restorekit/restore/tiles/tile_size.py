"""The size of tiles: the fastest that fits in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from restorekit.errors import ArgumentError
from restorekit.memory import available_memory
from restorekit.networks.network import Network
from restorekit.restore.canvas import Canvas
from restorekit.restore.noise_level import NoiseLevel
from restorekit.restore.tiles.stitch import Stitching, stitch
from restorekit.restore.value_scale import UNIT

TileSize = int | Literal["auto", "off"] | None

# Side of the area that a tile reads, including margins. On a CPU the activations of larger tiles do
# not fit in the cache; in smaller tiles, the margins are a larger share.
_FASTEST = {"cpu": 768, "cuda": 2048, "mps": 1024}
_SMALLEST = 64
_BLEND = 16
_BLEND_GLOBAL = 64  # if tiles differ from the whole image, a wide blend hides the seams
_SHARE = 0.5  # share of the free memory that activations may take


def check_tile(tile: TileSize) -> int | Literal["auto"] | None:
    """Check and normalise a tile size: a side in pixels, "auto", or None for the whole image.

    Raises:
        ArgumentError: it is none of these.
    """
    if tile is None or tile == "off":
        return None
    if tile == "auto":
        return "auto"
    if isinstance(tile, bool) or not isinstance(tile, (int, np.integer)) or tile < 1:
        raise ArgumentError(f"tile is a side in pixels, 'auto' or 'off', not {tile!r}")
    return int(tile)


def choose_tiles(
    network: Network,
    size: tuple[int, int],
    tile: int | Literal["auto"] | None,
    exact: bool = True,
) -> Stitching:
    """Choose the tiles of an image.

    Args:
        network: the network.
        size: height and width of the image.
        tile: the result of `check_tile`.
        exact: whether the network computes in float32 or better, so that tiles can equal the whole
            image.
    """
    device = network.device or torch.device("cpu")
    side = _FASTEST.get(device.type, _FASTEST["cpu"]) if tile == "auto" else tile
    if side is None or max(size) <= side or (reach := network.reach) is None:
        return Stitching()
    margin = reach.pixels if exact else reach.coarse
    blend = _BLEND_GLOBAL if reach.is_global else _BLEND
    # A side that the user has set is not reduced beforehand; memory errors still halve it.
    if tile != "auto":
        return Stitching(side, margin, blend)
    # For a wide receptive field, tiles grow beyond the fastest size instead of being all margin.
    how = Stitching(max(side - 2 * margin - blend, side // 2), margin, blend)
    most = _SHARE * available_memory(device) / network.bytes_per_pixel
    # Whole, if it fits easily: tiles would change the result of such a network.
    if reach.is_global and size[0] * size[1] <= most / 2:
        return Stitching()
    while _area(how) > most and (halved := smaller_tiles(how, size)) is not None:
        how = halved
    return how


def smaller_tiles(how: Stitching, size: tuple[int, int]) -> Stitching | None:
    """Halve the side of the tiles after memory ran out; None if they are the smallest."""
    side = min(how.tile or max(size), max(size))
    return None if side <= _SMALLEST else replace(how, tile=max(side // 2, _SMALLEST))


def tiling_difference(
    network: Network, canvas: Canvas, how: Stitching, level: NoiseLevel | None = None
) -> float:
    """Difference between tiles and the whole image, measured on a piece from the centre.

    Args:
        network: the network; the caller has entered its `running` context.
        canvas: the image.
        how: its tiles.
        level: standard deviation of the noise, for a network that takes it.

    Returns:
        The root mean square difference, on the [0, 1] scale.
    """
    height, width = canvas.size
    # Two tiles of 256 pixels are enough to measure, and take little time.
    side = min(how.tile or height, 256)
    top, left = max(height - 2 * side, 0) // 2, max(width - 2 * side, 0) // 2
    place = slice(top, top + 2 * side), slice(left, left + 2 * side)
    piece = canvas.read(slice(0, 1), *place, torch.float32)
    piece_level = None if level is None else level.of_piece(slice(0, 1), *place)
    whole, tiled = torch.empty_like(piece), torch.empty_like(piece)
    for result, stitching in ((whole, Stitching()), (tiled, replace(how, tile=side))):
        stitch(
            replace(canvas, source=piece, result=result, scale=UNIT),
            network,
            stitching,
            piece_level,
        )
    return float((whole - tiled).square().mean().sqrt())


def _area(how: Stitching) -> int:
    side = (how.tile or 0) + 2 * how.margin + how.blend
    return side * side
