"""JPEG quantisation on the device, without entropy coding."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.noise.filters import constant

# Annex K of ITU-T T.81, row by row.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


def jpeg(image: Tensor, quality: Tensor, halved: Tensor) -> Tensor:
    """Apply the loss of JPEG compression.

    Args:
        image: (B, 3, H, W) in [0, 1]; H and W are multiples of 16.
        quality: (B,), 1 to 100 on the scale of libjpeg.
        halved: (B,) bool, whether colour is stored at half the resolution (4:2:0).

    Returns:
        (B, 3, H, W) in [0, 1], with 8-bit values.
    """
    colours = _mixed((image * 255).round_(), _TO_YCC)
    luma, chroma = colours[:, :1] - 128, colours[:, 1:]
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None, None]
    luma = _quantised(luma, scale, _LUMA) + 128
    full = _quantised(chroma, scale, _CHROMA)
    coarse = _quantised(functional.avg_pool2d(chroma, 2), scale, _CHROMA)
    coarse = functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    chroma = torch.where(halved[:, None, None, None], coarse, full)
    restored = _mixed(torch.cat((luma, chroma), 1), _TO_RGB)
    return restored.round_().clamp_(0, 255).div_(255)


def _quantised(plane: Tensor, scale: Tensor, table: tuple[tuple[int, ...], ...]) -> Tensor:
    """Quantise the coefficients of the 8x8 blocks of planes (B, C, H, W)."""
    count, channels, height, width = plane.shape
    basis = _dct(plane.device, plane.dtype)
    steps = constant(table, plane) * scale[:, 0] / 100  # (B, 8, 8)
    steps = (steps + 0.5).floor_().clamp_(1, 255)[:, None, None, None]
    blocks = plane.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = (basis @ blocks @ basis.T / steps).round_() * steps
    blocks = basis.T @ coefficients @ basis
    return blocks.transpose(3, 4).reshape(count, channels, height, width)


@cache
def _dct(device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the orthonormal cosine transform of eight samples, (8, 8)."""
    place = torch.arange(8, device=device, dtype=dtype)
    basis = ((2 * place[None] + 1) * place[:, None] * (torch.pi / 16)).cos() / 2
    basis[0] /= 2**0.5
    return basis


def _mixed(image: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", constant(matrix, image), image)
