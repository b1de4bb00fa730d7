"""Colour at half the resolution of brightness, as most photographs are stored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import InputError
from restorekit.pictures.tensors import LUMA


def halve_colour(image: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """An image whose colour differences were stored at half size, as in a 4:2:0 JPEG.

    The luma stays. Each colour difference becomes the mean of 2x2 pixels and is brought back
    linearly, with the weights 3/4 and 1/4 of libjpeg's decoder. Nothing is rounded or clipped.

    Args:
        image: (3, H, W), float.
        top: 0 or 1, how far inside a cell of 2x2 pixels the first row lies.
        left: likewise the first column.

    Returns:
        (3, H, W), in the type of `image`.

    Raises:
        InputError: the image is not (3, H, W), or holds no floats.
    """
    if image.ndim != 3 or len(image) != 3 or not image.is_floating_point():
        raise InputError(f"colour is of floats (3, H, W), not {tuple(image.shape)} {image.dtype}")
    height, width = image.shape[1:]
    luma: Tensor = torch.tensordot(image.new_tensor(LUMA), image, 1)
    # Of each channel its difference to luma: halving is linear, so their own luma stays nought.
    edges = (left, (left + width) % 2, top, (top + height) % 2)
    cells = functional.avg_pool2d(functional.pad((image - luma)[None], edges, "replicate"), 2)
    coarse = functional.interpolate(cells, scale_factor=2, mode="bilinear")[0]
    return coarse[:, top : top + height, left : left + width] + luma
