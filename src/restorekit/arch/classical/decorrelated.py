"""Base class of the denoisers without weights that filter decorrelated channels with torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorekit.arch.classical.base import Classical


class Decorrelated(Classical):
    """Base class of denoisers that filter decorrelated channels, on the device of the batch.

    The channels are decorrelated first by a cosine transform across them. For colour it separates
    brightness from two differences and is known as the opponent transform. The noise keeps its
    standard deviation. A subclass implements `filter` and sets `name`.

    Example:
        >>> class Identity(Decorrelated):
        ...     name = "identity"
        ...     def filter(self, image, sigma):
        ...         return image
        >>> x = torch.rand(2, 3, 8, 9)
        >>> torch.allclose(Identity()(x, torch.full((2, 1, 1, 1), 0.1)), x, atol=1e-6)
        True
    """

    def filter(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image of decorrelated channels, (C, H, W) float32, the brightness first."""
        raise NotImplementedError

    def restore_image(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image, (C, H, W)."""
        across = cosines(len(image)).to(image.device)
        filtered = self.filter(torch.einsum("kc,chw->khw", across, image), sigma)
        return torch.einsum("kc,khw->chw", across, filtered)


def cosines(count: int) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of that many numbers, one frequency a row."""
    frequency, place = torch.arange(count)[:, None], torch.arange(count)
    rows: Tensor = torch.cos(math.pi / count * (place + 0.5) * frequency) * (2 / count) ** 0.5
    rows[0] /= 2**0.5
    return rows
