"""Losses in the frequency domain, by the orthonormal Fourier transform of each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.loss.base import ImageLoss


class Frequency(ImageLoss):
    """Mean absolute error of the Fourier coefficients.

    The absolute value is that of the complex difference. Other definitions add the differences of
    the real and the imaginary parts, and are up to sqrt(2) times as large (Cho et al., ICCV 2021,
    https://arxiv.org/abs/2108.05054).

    Example:
        >>> loss = restorekit.create_loss("frequency")
        >>> float(loss(restorekit.Restoration(batch), batch)) < 1e-5
        True
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean absolute error of the coefficients."""
        power = _power_of_error(restored, target)
        # The root has no gradient at 0; 1e-12 is an error of a millionth.
        return ((power + 1e-12).sqrt() - 1e-6).mean()


class FocalFrequency(ImageLoss):
    """Squared error of the Fourier coefficients, those that are wrong most with the most weight.

    The weight of a coefficient is its absolute error to the power of alpha, relative to the largest
    of its channel. It has no gradient (Jiang et al., Focal Frequency Loss for Image Reconstruction
    and Synthesis, ICCV 2021, https://arxiv.org/abs/2012.12821).

    Args:
        alpha: Exponent of the weights; at 0 all are 1, which gives the mean squared error.

    Raises:
        ValueError: alpha is outside [0, 10].

    Example:
        >>> loss = restorekit.create_loss("focal_frequency", alpha=0)
        >>> loss(restorekit.Restoration(batch + 0.1), batch)
        tensor(0.0100)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        if not 0.0 <= alpha <= 10.0:
            raise ValueError(f"alpha must be between 0 and 10, not {alpha}")
        self.alpha = float(alpha)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The weighted squared error of the coefficients."""
        power = _power_of_error(restored, target)
        size = power.detach()
        largest = size.amax((-2, -1), keepdim=True).clamp(min=1e-30)
        return (power * (size / largest) ** (self.alpha / 2)).mean()

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"alpha={self.alpha}"


def _power_of_error(restored: Tensor, target: Tensor) -> Tensor:
    """Squared absolute differences of the coefficients, (B, C, H, W)."""
    error = torch.fft.fft2(restored - target, norm="ortho")
    power: Tensor = error.real.square() + error.imag.square()
    return power
