"""Photographs in the memory of the device, and random windows of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor


class Photographs:
    """Decoded pictures, concatenated in one tensor on the device.

    Args:
        pictures: uint8 arrays (H, W, 3).
        device: where they are kept.
    """

    def __init__(self, pictures: Iterable[np.ndarray], device: torch.device) -> None:
        arrays = list(pictures)
        self.sizes = torch.tensor([array.shape[:2] for array in arrays], device=device)
        areas = self.sizes.prod(1)
        self.starts = areas.cumsum(0) - areas
        flat = np.concatenate([array.reshape(-1, 3) for array in arrays])
        self.pixels = torch.from_numpy(flat).to(device)
        self.device = device

    def __len__(self) -> int:
        return len(self.sizes)

    def windows(self, count: int, side: int, generator: Generator) -> Tensor:
        """Return random squares, flipped and rotated: (count, 3, side, side) in [0, 1].

        A picture with a shorter side is extended by reflection.
        """
        numbers = torch.rand(count, 6, device=self.device, generator=generator)
        which = (numbers[:, 0] * len(self)).long().clamp_(max=len(self) - 1)
        places = []
        for axis in (0, 1):
            length = self.sizes[which, axis]
            first = (numbers[:, 1 + axis] * (length - side + 1).clamp(min=1)).long()
            place = first[:, None] + torch.arange(side, device=self.device)
            place = torch.where(numbers[:, 3 + axis, None] < 0.5, place.flip(1), place)
            last = length[:, None] - 1
            places.append((last - (last - place).abs()).abs())
        rows, columns = places
        index = rows[:, :, None] * self.sizes[which, 1, None, None] + columns[:, None, :]
        index = torch.where(numbers[:, 5, None, None] < 0.5, index.transpose(1, 2), index)
        index += self.starts[which, None, None]
        return self.pixels[index].movedim(-1, 1).float().div_(255)

    def centres(self, side: int) -> Tensor:
        """Return the central window of every picture: (N, 3, side, side) in [0, 1]."""
        cut = []
        for (height, width), start in zip(self.sizes.tolist(), self.starts.tolist(), strict=True):
            picture = self.pixels[start : start + height * width].view(height, width, 3)
            top, left = (height - side) // 2, (width - side) // 2
            cut.append(picture[top : top + side, left : left + side])
        return torch.stack(cut).movedim(-1, 1).float().div_(255)


def read(archives: Iterable[Path]) -> list[np.ndarray]:
    """Read the pictures of archives of `pack.py`, in their order."""
    files = []
    for path in archives:
        with tarfile.open(path) as archive:
            for entry in archive:
                member = archive.extractfile(entry)
                if member is not None:
                    files.append(member.read())
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_decoded, files))


def _decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
