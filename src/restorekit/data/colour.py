"""Colour at half the resolution of brightness, as most photographs are stored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import InputError

# ITU-R BT.601, full range, as in JPEG: luma, blue and red difference of R, G, B.
_YCBCR = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
_RGB = torch.linalg.inv(_YCBCR)


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
    differences = torch.tensordot(_YCBCR[1:].to(image), image, 1)[None]
    edges = (left, (left + width) % 2, top, (top + height) % 2)
    cells = functional.avg_pool2d(functional.pad(differences, edges, "replicate"), 2)
    coarse = functional.interpolate(cells, scale_factor=2, mode="bilinear")
    change = coarse[..., top : top + height, left : left + width] - differences
    halved: Tensor = image + torch.tensordot(_RGB[:, 1:].to(image), change[0], 1)
    return halved
