"""Noise of the magnitude of complex signals, as of magnetic resonance imaging."""

from __future__ import annotations

from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval
from restorekit.records import Degraded


class Rician(Noise):
    """Rician noise: noisy = sqrt((clean + std * a)^2 + (std * b)^2), a, b ~ N(0, 1).

    The magnitude of a complex signal with Gaussian noise in both parts (Gudbjartsson and Patz, The
    Rician Distribution of Noisy MRI Data, 1995, https://doi.org/10.1002/mrm.1910340618). It makes
    dark areas brighter: where the signal is 0, the mean is 1.25 std. Does not clip by default:
    values exceed 1, none is below 0.

    As sigma, each sample has std, which is the noise's standard deviation where the signal is at
    least 3 std; it falls to 0.66 std where the signal is 0.

    Args:
        std: Standard deviation of the noise in both parts on the images' scale of [0, 1], or a
            (low, high) range from which each sample draws its own.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], or low > high.

    Example:
        >>> noisy = restorekit.create_noise("rician", std=0.1)(torch.zeros(1, 1, 64, 64)).noisy
        >>> bool(0.12 < noisy.mean() < 0.13)
        True
    """

    def __init__(self, std: float | tuple[float, float] = (0.0, 0.15), clip: bool = False) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "on the scale of the images")
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a standard deviation drawn for each sample."""
        std = draw.parameter(self.std)
        real = clean + draw.normal(*clean.shape).mul_(std)
        imaginary = draw.normal(*clean.shape).mul_(std)
        return Degraded(real.float().hypot(imaginary), std)
