"""Luma: the brightness of a colour as photographs and JPEG files store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def luma(image: Tensor) -> Tensor:
    """The luma 0.299 R + 0.587 G + 0.114 B of a colour image or of a batch of them.

    Args:
        image: (..., 3, H, W).

    Returns:
        (..., 1, H, W).
    """
    # Numbers instead of a tensor of weights, whose transfer to a GPU would wait for the GPU.
    red, green, blue = image.split(1, -3)
    made: Tensor = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return made
