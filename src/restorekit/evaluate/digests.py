"""Digests of pixels, which identify a picture independently of the name of its file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pixel_digest(*images: Tensor) -> str:
    """A digest of the shapes, dtypes and values of tensors, as 16 hexadecimal digits.

    Args:
        images: tensors of any shape on the CPU; their order matters.

    Example:
        >>> len(pixel_digest(batch)), pixel_digest(batch) == pixel_digest(batch.clone())
        (16, True)
    """
    digest = hashlib.blake2b(digest_size=8)
    for image in images:
        # Images of other shapes can have the same bytes.
        digest.update(f"{tuple(image.shape)} {image.dtype} ".encode())
        digest.update(image.contiguous().numpy().data)
    return digest.hexdigest()
