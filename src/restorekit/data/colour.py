"""Chroma subsampling (4:2:0): colour at half the resolution, as most photographs are stored."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from restorekit.errors import InputError
from restorekit.luma import luma


def halve_colour(image: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """Halve the resolution of the colour differences of images, as a 4:2:0 JPEG does.

    The luma is unchanged. The colour differences are averaged over 2x2 pixels and interpolated
    linearly, with the weights 3/4 and 1/4 of libjpeg's decoder. Values are not rounded or clipped.

    Args:
        image: (3, H, W) or a batch (B, 3, H, W), float.
        top: offset of the first row within a 2x2 cell, 0 or 1.
        left: offset of the first column within a 2x2 cell, 0 or 1.

    Returns:
        The image or the batch, in its dtype.

    Raises:
        InputError: it is not a float tensor of one of these shapes.

    Example:
        >>> halve_colour(batch[0]).shape
        torch.Size([3, 32, 32])
        >>> gray = batch[0, :1].expand(3, 32, 32)
        >>> torch.allclose(halve_colour(gray), gray, atol=1e-6)
        True
    """
    is_colour = image.ndim in (3, 4) and image.shape[-3] == 3
    if not (is_colour and image.is_floating_point()):
        raise InputError(
            "halve_colour takes a float image (3, H, W) or a batch (B, 3, H, W), not "
            f"{tuple(image.shape)} {image.dtype}"
        )
    height, width = image.shape[-2:]
    gray = luma(image)
    # R - Y, G - Y and B - Y instead of Cb and Cr: averaging is linear, so the result is the same
    # without a conversion to YCbCr and back.
    edges = (left, (left + width) % 2, top, (top + height) % 2)
    batch = (image - gray).reshape(-1, 3, height, width)
    cells = functional.avg_pool2d(functional.pad(batch, edges, "replicate"), 2)
    coarse = functional.interpolate(cells, scale_factor=2, mode="bilinear")
    coarse = coarse[..., top : top + height, left : left + width]
    return coarse.reshape(image.shape) + gray
