"""Base class of the denoisers without weights that filter NumPy arrays."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from restorekit.arch.classical.base import Classical

Array = np.ndarray[Any, Any]


class ArrayFilter(Classical):
    """Base class of denoisers that filter one NumPy image at a time, on the CPU.

    A subclass implements `filter` and sets `name`.

    Attributes:
        smallest: shorter sides are padded by mirroring to this many pixels.

    Example:
        >>> class Identity(ArrayFilter):
        ...     name = "identity"
        ...     def filter(self, image, sigma):
        ...         return image
        >>> x = torch.rand(2, 3, 8, 9)
        >>> torch.equal(Identity()(x, torch.full((2, 1, 1, 1), 0.1)), x)
        True
    """

    smallest: ClassVar[int] = 1

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C) float32, whose noise has the standard deviation `sigma`."""
        raise NotImplementedError

    def restore_image(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image, (C, H, W)."""
        height, width = image.shape[1:]
        # Filters with windows or scales fail, or see only their own border, on tiny images.
        below, right = max(self.smallest - height, 0), max(self.smallest - width, 0)
        array = np.pad(
            image.movedim(0, 2).cpu().numpy(), ((0, below), (0, right), (0, 0)), mode="symmetric"
        )
        restored = self.filter(array, sigma)[:height, :width].reshape(height, width, -1)
        return torch.from_numpy(restored.astype(np.float32)).movedim(2, 0)
