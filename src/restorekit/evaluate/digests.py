"""Digests of pixels: the same for the same picture, whatever its file is called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pixel_digest(*images: Tensor) -> str:
    """A digest of the shapes, types and values of some tensors, 16 hexadecimal digits.

    Args:
        images: tensors of any shape on the CPU; their order counts.
    """
    digest = hashlib.blake2b(digest_size=8)
    for image in images:
        digest.update(f"{tuple(image.shape)} {image.dtype} ".encode())
        digest.update(image.contiguous().numpy().data)
    return digest.hexdigest()
