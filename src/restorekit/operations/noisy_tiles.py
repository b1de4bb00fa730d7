"""Tiles of noisy pictures in memory, to train on and to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from restorekit.data.patches import random_patch
from restorekit.errors import DataError
from restorekit.pictures.tensors import read_tensor, to_float
from restorekit.records import NoisyImages
from restorekit.seeding import derive_generator

_SIDES = (128, 64, 32)
_PATCH = 64
_MOST_PIXELS = 64_000_000
_MOST_HELD_OUT, _SHARE = 16, 5


class NoisyTiles(Dataset[NoisyImages]):
    """Square tiles of noisy pictures; a random draw is a patch of a tile, flipped and rotated."""

    def __init__(self, tiles: Sequence[Tensor]) -> None:
        self.tiles = list(tiles)
        self.channels, self.side = self.tiles[0].shape[:2]

    def __len__(self) -> int:
        return len(self.tiles)

    def __getitem__(self, index: int) -> NoisyImages:
        return NoisyImages(to_float(self.tiles[index]))

    def sample(self, index: int, generator: Generator) -> NoisyImages:
        """A random patch of a tile."""
        patch = random_patch(self.tiles[index], min(self.side, _PATCH), generator)
        return NoisyImages(to_float(patch))


def cut_tiles(paths: Sequence[Path], channels: int, seed: int) -> tuple[NoisyTiles, NoisyTiles]:
    """The tiles of pictures, to train on and to hold out.

    Args:
        paths: the files.
        channels: of the network, 1 or 3.
        seed: chooses the tiles that are held out.

    Raises:
        DataError: a picture cannot be read, or there are too few pixels.
    """
    pictures, pixels = [], 0
    order = torch.randperm(len(paths), generator=derive_generator(seed, "pictures")).tolist()
    for number in order:
        pictures.append(read_tensor(paths[number], 1 if channels == 1 else 3))
        pixels += pictures[-1][0].numel()
        if pixels > _MOST_PIXELS:
            break
    for side in _SIDES:
        tiles = [tile for picture in pictures for tile in _tiles(picture, side)]
        if len(tiles) >= 2 * _SHARE or (side == _SIDES[-1] and len(tiles) > 1):
            break
    else:
        raise DataError(
            f"{len(paths)} pictures are too little to learn from: they hold less than two tiles of "
            f"{_SIDES[-1]}x{_SIDES[-1]} pixels"
        )
    order = torch.randperm(len(tiles), generator=derive_generator(seed, "tiles")).tolist()
    held_out = max(1, min(_MOST_HELD_OUT, len(tiles) // _SHARE))
    chosen = [tiles[number] for number in order]
    return NoisyTiles(chosen[held_out:]), NoisyTiles(chosen[:held_out])


def _tiles(picture: Tensor, side: int) -> list[Tensor]:
    """The whole tiles of a picture (C, H, W); what is left at the right and below is not used."""
    if min(picture.shape[1:]) < side:
        return []
    found = picture.unfold(1, side, side).unfold(2, side, side)
    return list(found.movedim(0, 2).flatten(0, 1))
