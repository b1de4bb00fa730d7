"""Similar patches: the search for them, and the mean of patches that overlap.

Used by the methods that filter groups of similar patches, BM3D and NL-Bayes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.mirroring import mirrored_indices

_TILE = 8  # references a side of those that are compared with the same candidates
_TILES = 16  # tiles whose distances are in memory at once, about 16 MB
_STRIP = 4  # rows of tiles whose patches are in memory at once


@dataclass(frozen=True)
class Search:
    """Which patches are compared.

    Attributes:
        size: side of the patches in pixels.
        step: distance of neighbouring reference patches in pixels.
        reach: greatest distance of a similar patch, in rows and in columns.
        count: number of similar patches that are kept, with the reference itself.
    """

    size: int
    step: int
    reach: int
    count: int

    def fit(self, image: Tensor) -> Tensor:
        """Extend (C, H, W) by mirroring until the reference patches reach its last pixels."""
        for axis in (1, 2):
            length = image.shape[axis]
            count = max(length, self.size)
            count += -(count - self.size) % self.step
            places = mirrored_indices(length, count, repeat_border=True, device=image.device)
            image = image.index_select(axis, places)
        return image


@dataclass(frozen=True)
class Strip:
    """Rows of a picture that hold some rows of reference patches and all their candidates.

    Attributes:
        top, bottom: the rows of the picture, from and before.
        first: row of the strip at which its first reference patch begins.
        references: number of rows of reference patches.
    """

    top: int
    bottom: int
    first: int
    references: int


def strips(height: int, search: Search) -> Iterator[Strip]:
    """Cut a picture of that height, which `Search.fit` has made, into strips that overlap."""
    rows = (height - search.size) // search.step + 1
    for begin in range(0, rows, _TILE * _STRIP):
        count = min(rows - begin, _TILE * _STRIP)
        first, last = begin * search.step, (begin + count - 1) * search.step
        top = max(first - search.reach, 0)
        bottom = min(last + search.reach + search.size, height)
        yield Strip(top, bottom, first - top, count)


def similar(features: Tensor, strip: Strip, search: Search) -> tuple[Tensor, Tensor]:
    """The patches most similar to each reference patch of a strip.

    Args:
        features: what is compared, (rows, columns, F): F numbers for each patch of the strip.
        strip: where the reference patches are.
        search: how far apart they are, and how far the search goes.

    Returns:
        The indices of the similar patches, (references, count), counted row by row, and their
        squared distances. The reference itself is the first. Where there are fewer patches than
        `count`, the distance of the others is infinite and their index 0.
    """
    rows, columns, _ = features.shape
    across = (columns - 1) // search.step + 1
    tiles_y, tiles_x = (-(-count // _TILE) for count in (strip.references, across))
    side = (_TILE - 1) * search.step + 2 * search.reach + 1
    below = max(strip.first + tiles_y * _TILE * search.step - rows, 0)
    right = max(tiles_x * _TILE * search.step - columns, 0)
    border = (search.reach, search.reach + right, search.reach, search.reach + below)
    wide = functional.pad(features.movedim(2, 0), border)
    # Patches beyond the border are infinitely far away.
    lengths = functional.pad(features.square().sum(2), border, value=torch.inf)
    cut = [
        x[..., strip.first :, :]
        .unfold(-2, side, _TILE * search.step)
        .unfold(-2, side, _TILE * search.step)[..., :tiles_y, :tiles_x, :, :]
        for x in (wide, lengths)
    ]
    found = [
        _nearest(cut[0][:, y, begin : begin + _TILES], cut[1][y, begin : begin + _TILES], search)
        for y in range(tiles_y)
        for begin in range(0, tiles_x, _TILES)
    ]
    places, distances = (torch.cat(x) for x in zip(*found, strict=True))
    return _as_indices(places, distances, strip, search, (tiles_y, tiles_x), (across, columns))


def _nearest(tiles: Tensor, lengths: Tensor, search: Search) -> tuple[Tensor, Tensor]:
    """The nearest candidates in (F, K, side, side), whose squared lengths are (K, side, side).

    Returns:
        Places in the window around each reference, (K, T, T, count), and squared distances.
    """
    count, side = tiles.shape[1], tiles.shape[-1]
    inner = slice(search.reach, search.reach + _TILE * search.step, search.step)
    candidates = tiles.transpose(0, 1).reshape(count, -1, side * side)
    references = tiles.transpose(0, 1)[..., inner, inner].reshape(count, -1, _TILE**2)
    apart = torch.baddbmm(
        lengths.reshape(count, 1, -1), references.transpose(1, 2), candidates, alpha=-2
    )
    # Each reference has its own window in the tile: `step` further in both directions.
    window, (far, row) = 2 * search.reach + 1, apart.stride()[:2]
    moves = (row * _TILE + search.step * side, row + search.step)
    windows = apart.as_strided(
        (count, _TILE, _TILE, window, window), (far, *moves, side, 1)
    ).flatten(-2)
    windows[..., windows.shape[-1] // 2] = -torch.inf  # the reference itself comes first
    distances, places = windows.topk(min(search.count, windows.shape[-1]), largest=False)
    distances = distances + references.square().sum(1).view(count, _TILE, _TILE, 1)
    return places, distances.clamp(min=0)


def _as_indices(
    places: Tensor,
    distances: Tensor,
    strip: Strip,
    search: Search,
    tiles: tuple[int, int],
    shape: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Turn places in windows, tile by tile, into indices of patches, reference by reference."""
    across, columns = shape
    window = 2 * search.reach + 1

    def in_rows(x: Tensor) -> Tensor:
        x = x.view(*tiles, _TILE, _TILE, -1).transpose(1, 2).flatten(2, 3).flatten(0, 1)
        return x[: strip.references, :across]

    places, distances = in_rows(places), in_rows(distances)
    row = strip.first + search.step * torch.arange(strip.references, device=places.device)
    column = search.step * torch.arange(across, device=places.device)
    rows = row[:, None, None] + places // window - search.reach
    found = rows * columns + column[:, None] + places % window - search.reach
    found = torch.where(distances.isfinite(), found, 0)
    return found.flatten(0, 1), distances.flatten(0, 1)


def precise(image: Tensor) -> Tensor:
    """The image in float64, so that rounding does not decide which patches match.

    Tiles then equal the whole picture. MPS has no float64; there the image stays as it is.
    """
    return image if image.device.type == "mps" else image.double()


def patch_table(plane: Tensor, patterns: Tensor) -> Tensor:
    """The products of every patch of (H, W) with (K, 1, size, size) patterns, (h, w, K)."""
    return functional.conv2d(plane[None, None], patterns)[0].movedim(0, 2).contiguous()


def overlapping(table: Tensor, patterns: Tensor) -> Tensor:
    """Add (K, 1, size, size) patterns, weighted by a table (K, h, w), at every place: (H, W)."""
    size, (height, width) = patterns.shape[-1], table.shape[1:]
    patches = patterns.flatten(1).T @ table.flatten(1)
    # Four times as fast as conv_transpose2d, which does both.
    summed = functional.fold(patches[None], (height + size - 1, width + size - 1), size)
    return summed[0, 0]
