"""Solving linear equations of images, and filtering them by their spectrum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Linear = Callable[[Tensor], Tensor]


def filtered(image: Tensor, spectrum: Tensor) -> Tensor:
    """Multiply each frequency of an image (B, C, H, W) by a factor (H, W) of a real kernel."""
    # The other half of the frequencies follows from this one.
    half = spectrum[:, : image.shape[-1] // 2 + 1]
    result: Tensor = torch.fft.irfft2(torch.fft.rfft2(image) * half, s=image.shape[-2:])
    return result


def conjugate_gradients(
    matrix: Linear, nearly_inverse: Linear, right: Tensor, rounds: int = 50, enough: float = 1e-3
) -> Tensor:
    """Solve matrix(x) = right for each channel by preconditioned conjugate gradients.

    Args:
        matrix: symmetric and positive definite.
        nearly_inverse: symmetric and positive definite; the nearer to the inverse, the fewer rounds
            are needed.
        right: (B, C, H, W).
        rounds: most of them.
        enough: norm of the error of the right side, relative to it, at which the rounds end.
    """
    solution, error = torch.zeros_like(right), right
    direction = ahead = nearly_inverse(error)
    product = _dot(error, ahead)
    limit = enough**2 * _dot(right, right)
    for _ in range(rounds):
        if bool((_dot(error, error) <= limit).all()):
            break
        image = matrix(direction)
        step = product / _dot(direction, image).clamp(min=_TINY)
        solution = solution + step * direction
        error = error - step * image
        ahead = nearly_inverse(error)
        product, before = _dot(error, ahead), product
        direction = ahead + product / before.clamp(min=_TINY) * direction
    return solution


_TINY = torch.finfo(torch.float32).tiny


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """The scalar product of each channel of each image, (B, C, 1, 1)."""
    return (one * other).sum((-2, -1), keepdim=True)
