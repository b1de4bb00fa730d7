"""Guided filter.

He, Sun and Tang, Guided Image Filtering, IEEE TPAMI 2013, https://doi.org/10.1109/TPAMI.2012.213
"""

from __future__ import annotations

import torch
from kornia.filters import guided_blur
from torch import Tensor, nn

from restorekit.arch.classical.base import noise_levels
from restorekit.arch.padding import check_batch, check_positive, check_window

_LARGEST = 63  # pixels a side
_LEAST = 1e-6  # level that keeps the inverse of flat windows finite


class Guided(nn.Module):
    """The mean of linear models of the picture in the windows around each pixel.

    The picture guides itself: in each window the model keeps what varies more than `strength`
    times the noise, and takes the mean where it varies less. Colour uses the covariance of the
    channels. It uses `guided_blur` of kornia, on the device of the batch.

    Reference: https://doi.org/10.1109/TPAMI.2012.213

    Args:
        size: Side of the square window in pixels, odd, from 3 to 63.
        strength: Standard deviation of a window, in units of sigma, at which half of the
            deviation from the mean is kept. The default is best on photographs at sigma 25/255.

    Attributes:
        size_multiple: 1, since any height and width is accepted.

    Raises:
        ArgumentError: `size` is even, below 3 or above 63, or `strength` is not positive.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("guided")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < noisy.std())
        True
    """

    def __init__(self, size: int = 5, strength: float = 2.3) -> None:
        super().__init__()
        check_window("guided", size, _LARGEST)
        check_positive("guided", strength=strength)
        self.size = size
        self.strength = strength
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
        check_batch(noisy, None, "guided")
        levels = noise_levels(noisy, sigma, "guided").to(noisy.device)
        smooth = (self.strength * levels.clamp(min=_LEAST)).square()
        image = noisy.float()
        border = "reflect" if min(noisy.shape[-2:]) > self.size // 2 else "replicate"
        restored: Tensor = guided_blur(image, image, self.size, smooth, border)
        # Without noise nothing changes, not even by the rounding of a sum.
        return torch.where(levels.view(-1, 1, 1, 1) > 0, restored, noisy).to(noisy.dtype)
