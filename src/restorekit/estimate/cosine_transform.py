"""The discrete cosine transform (DCT) of blocks of 8x8 pixels, as JPEG has it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIDE = 8


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
