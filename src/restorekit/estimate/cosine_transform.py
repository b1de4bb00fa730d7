"""The discrete cosine transform (DCT) of blocks of 8x8 pixels, as JPEG has it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIDE = 8


def spread_step(planes: Tensor, count: int) -> int:
    """The distance of blocks of planes (N, h, w), so that there are at most about `count`."""
    positions = math.prod((len(planes), *(side - SIDE + 1 for side in planes.shape[1:])))
    return max(1, math.ceil(math.sqrt(positions / count)))


def blocks_of(planes: Tensor, step: int) -> Tensor:
    """Blocks (n, 64) of planes (N, h, w), `step` pixels apart."""
    return planes.unfold(1, SIDE, step).unfold(2, SIDE, step).reshape(-1, SIDE**2)


def dct_of_blocks(blocks: Tensor) -> Tensor:
    """Coefficients of the orthonormal DCT-II of 8x8 blocks, (n, 64), row by row."""
    return blocks @ dct_basis(blocks.device).T


def dct_basis(device: torch.device) -> Tensor:
    """Orthonormal DCT-II of 8x8 blocks, (64, 64), one row for each pair of frequencies."""
    index = torch.arange(SIDE, device=device, dtype=torch.float32)
    basis = torch.cos(math.pi * (2 * index + 1) * index[:, None] / (2 * SIDE)) / 2
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis)


def order_of_coefficients(device: torch.device) -> Tensor:
    """Sum of the vertical and the horizontal frequency of each coefficient, 0 to 14, (64,)."""
    index = torch.arange(SIDE, device=device)
    return (index[:, None] + index).flatten()
