"""Median absolute deviation of the finest diagonal wavelet coefficients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The third quartile of the standard normal distribution: median |z|.
_MEDIAN = 0.6744897501960817


class MAD(nn.Module):
    """Donoho's estimate: median |diagonal Haar coefficient| / 0.6745.

    The fastest estimator. It takes fine texture for noise (on photographs with a standard deviation
    of 5/255 the estimate is about 50 % too high) and misses noise that is correlated between
    neighbouring pixels.

    Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 1994.

    Example:
        >>> noisy = torch.full((1, 3, 64, 64), 0.5) + 0.1 * torch.randn(1, 3, 64, 64)
        >>> sigma = restorekit.create_estimator("mad")(noisy)
        >>> sigma.shape, bool(((sigma - 0.1).abs() < 0.02).all())
        (torch.Size([1, 3]), True)
    """

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Estimate the standard deviation of the noise in each channel.

        Args:
            image: (B, C, H, W), floats on the [0, 1] scale.

        Returns:
            (B, C) on the scale of `image`; 0 if a side is below 2 pixels.
        """
        height, width = (side // 2 * 2 for side in image.shape[-2:])
        if not height or not width:
            return image.new_zeros(image.shape[:2])
        even, odd = image[..., 0:height:2, :width], image[..., 1:height:2, :width]
        rows = even - odd
        diagonal = (rows[..., 0::2] - rows[..., 1::2]) / 2
        return diagonal.abs().flatten(2).median(dim=2).values / _MEDIAN
