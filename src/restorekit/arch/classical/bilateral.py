"""Bilateral filter.

Tomasi and Manduchi, Bilateral Filtering for Gray and Color Images, ICCV 1998,
https://doi.org/10.1109/ICCV.1998.710815
"""

from __future__ import annotations

import torch
from kornia.filters import bilateral_blur
from torch import Tensor, nn

from restorekit.arch.classical.base import noise_levels
from restorekit.arch.padding import check_batch, check_positive, check_window

_LARGEST = 31  # pixels a side
_LEAST = 1e-6  # level at which only equal pixels are averaged


class Bilateral(nn.Module):
    """The mean of the window around each pixel, weighted by distance and by difference of colour.

    Uses `bilateral_blur` of kornia, on the device of the batch. The picture continues beyond its
    border by mirroring.

    Reference: https://doi.org/10.1109/ICCV.1998.710815

    Args:
        size: Side of the square window in pixels, odd, from 3 to 31.
        strength: Root mean square difference of the channels, in units of sigma, at which the
            weight of a pixel has fallen to 61 %. The default is best on photographs at sigma
            25/255; the best value grows slightly with the noise.
        radius: Distance in pixels at which the weight has fallen to 61 %.

    Attributes:
        size_multiple: 1, since any height and width is accepted.

    Raises:
        ArgumentError: `size` is even, below 3 or above 31, or another argument is not positive.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("bilateral")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < noisy.std())
        True
    """

    def __init__(self, size: int = 9, strength: float = 1.75, radius: float = 2.0) -> None:
        super().__init__()
        check_window("bilateral", size, _LARGEST)
        check_positive("bilateral", strength=strength, radius=radius)
        self.size = size
        self.strength = strength
        self.radius = radius
        self.size_multiple = 1

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the standard deviation of the noise, (B, 1, 1, 1), or a map of it (B, 1, H, W),
                whose root mean square is used for each image; None to estimate it from the image.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`.

        Raises:
            InputError: `noisy` is not a float batch, or `sigma` does not fit it.
        """
        check_batch(noisy, None, "bilateral")
        levels = noise_levels(noisy, sigma, "bilateral").to(noisy.device)
        # kornia takes the length of the difference, which grows with the number of channels.
        contrast = self.strength * levels.clamp(min=_LEAST) * noisy.shape[1] ** 0.5
        restored: Tensor = bilateral_blur(
            noisy.float(),
            self.size,
            contrast,
            (self.radius, self.radius),
            # Mirroring needs pixels to mirror.
            "reflect" if min(noisy.shape[-2:]) > self.size // 2 else "replicate",
            "l2",
        )
        # Without noise nothing changes, not even by the rounding of a sum.
        return torch.where(levels.view(-1, 1, 1, 1) > 0, restored, noisy).to(noisy.dtype)
