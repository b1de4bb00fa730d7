"""Chroma subsampling (4:2:0): colour at half the resolution, as most photographs are stored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.errors import InputError
from restorekit.pictures.tensors import LUMA


def halve_colour(image: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """Halve the resolution of the colour differences of an image, as a 4:2:0 JPEG does.

    The luma is unchanged. The colour differences are averaged over 2x2 pixels and interpolated
    linearly, with the weights 3/4 and 1/4 of libjpeg's decoder. Values are not rounded or clipped.

    Args:
        image: (3, H, W), float.
        top: offset of the first row within a 2x2 cell, 0 or 1.
        left: offset of the first column within a 2x2 cell, 0 or 1.

    Returns:
        (3, H, W), in the dtype of `image`.

    Raises:
        InputError: the image is not a float tensor (3, H, W).

    Example:
        >>> halve_colour(batch[0]).shape
        torch.Size([3, 32, 32])
        >>> gray = batch[0, :1].expand(3, 32, 32)
        >>> torch.allclose(halve_colour(gray), gray, atol=1e-6)
        True
    """
    if image.ndim != 3 or len(image) != 3 or not image.is_floating_point():
        raise InputError(
            f"halve_colour takes a float image (3, H, W), not {tuple(image.shape)} {image.dtype}"
        )
    height, width = image.shape[1:]
    luma: Tensor = torch.tensordot(image.new_tensor(LUMA), image, 1)
    # R - Y, G - Y and B - Y instead of Cb and Cr: averaging is linear, so the result is the same
    # without a conversion to YCbCr and back.
    edges = (left, (left + width) % 2, top, (top + height) % 2)
    cells = functional.avg_pool2d(functional.pad((image - luma)[None], edges, "replicate"), 2)
    coarse = functional.interpolate(cells, scale_factor=2, mode="bilinear")[0]
    return coarse[:, top : top + height, left : left + width] + luma
