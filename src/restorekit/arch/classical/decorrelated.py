"""Base class of the denoisers without weights that filter decorrelated channels with torch."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from restorekit.arch.classical.base import noise_levels
from restorekit.arch.padding import check_batch


class Decorrelated(nn.Module):
    """Base class of denoisers that filter one image at a time, on the device of the batch.

    The channels are decorrelated first by a cosine transform across them. For colour it separates
    brightness from two differences and is known as the opponent transform. The noise keeps its
    standard deviation. They take any size and any number of channels, and pass no gradient.
    A subclass implements `filter` and sets `name`.

    Attributes:
        name: the registered name, for messages.
        size_multiple: 1, since any height and width is accepted.

    Example:
        >>> class Identity(Decorrelated):
        ...     name = "identity"
        ...     def filter(self, image, sigma):
        ...         return image
        >>> x = torch.rand(2, 3, 8, 9)
        >>> torch.allclose(Identity()(x, torch.full((2, 1, 1, 1), 0.1)), x, atol=1e-6)
        True
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.size_multiple = 1

    def filter(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image of decorrelated channels, (C, H, W) float32, the brightness first."""
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the standard deviation of the noise, (B, 1, 1, 1), or a map of it (B, 1, H, W),
                whose root mean square is used for each image; None to estimate it from the image.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch, or `sigma` does not fit it.
        """
        check_batch(noisy, None, self.name)
        levels = noise_levels(noisy, sigma, self.name).tolist()
        across = cosines(noisy.shape[1]).to(noisy.device)
        restored = noisy.clone(memory_format=torch.contiguous_format)
        for image, level in zip(restored, levels, strict=True):
            if level > 0:  # without noise nothing changes, not even by the rounding of a sum
                apart = torch.einsum("kc,chw->khw", across, image.float())
                image.copy_(torch.einsum("kc,khw->chw", across, self.filter(apart, level)))
        return restored


def cosines(count: int) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of that many numbers, one frequency a row."""
    frequency, place = torch.arange(count)[:, None], torch.arange(count)
    rows: Tensor = torch.cos(math.pi / count * (place + 0.5) * frequency) * (2 / count) ** 0.5
    rows[0] /= 2**0.5
    return rows
