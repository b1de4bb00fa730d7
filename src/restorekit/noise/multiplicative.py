"""Noise in proportion to the signal, as of radar, sonar, ultrasound and laser light."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.gamma_numbers import gamma_numbers
from restorekit.noise.parameters import Draws, as_interval
from restorekit.records import Degraded


class Speckle(Noise):
    """Multiplicative normal noise: noisy = clean + clean * std * n, n ~ N(0, 1) at every value.

    The mean is the clean value, its standard deviation std * clean. Does not clip by default.

    As sigma, each sample has the root of its mean variance.

    Args:
        std: Standard deviation relative to the clean value, or a (low, high) range from which each
            sample draws its own.
        sigma_map: Whether sigma is a map (B, 1, H, W) of each pixel's own. It shows the clean
            picture to a network that takes it.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], or low > high.

    Example:
        >>> noise = restorekit.create_noise("speckle", std=0.2)
        >>> round(float(noise(torch.full((1, 1, 8, 8), 0.5)).sigma), 3)
        0.1
    """

    def __init__(
        self,
        std: float | tuple[float, float] = (0.0, 0.3),
        sigma_map: bool = False,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "relative to the clean value")
        self.sigma_map = sigma_map
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a standard deviation drawn for each sample."""
        std = draw.parameter(self.std)
        relative = draw.normal(*clean.shape).mul_(std)
        level = self.pooled(clean.detach().float().square(), self.sigma_map).sqrt() * std
        if clean.requires_grad or clean.dtype != relative.dtype:
            return Degraded(torch.addcmul(clean, clean, relative.to(clean.dtype)), level)
        # Fresh memory for the result would take as long as the computation.
        return Degraded(torch.addcmul(clean, clean, relative, out=relative), level)


class Gamma(Noise):
    """Multiplicative gamma noise: noisy = clean * g, g of mean 1 and variance 1 / looks.

    The noise of intensity images of synthetic aperture radar that are the mean of several looks
    (Goodman, Some Fundamental Properties of Speckle, JOSA 1976,
    https://doi.org/10.1364/JOSA.66.001145). The mean is the clean value, its standard deviation
    clean / sqrt(looks). Does not clip by default.

    As sigma, each sample has the root of its mean variance.

    Args:
        looks: The number of looks, the shape of the gamma distribution, or a (low, high) range from
            which each sample draws its own, uniformly in the logarithm. It need not be whole.
        sigma_map: Whether sigma is a map (B, 1, H, W) of each pixel's own. It shows the clean
            picture to a network that takes it.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: looks is outside [1, 10000], or low > high.

    Example:
        >>> noise = restorekit.create_noise("gamma", looks=4)
        >>> round(float(noise(torch.full((1, 1, 8, 8), 0.5)).sigma), 3)
        0.25
    """

    def __init__(
        self,
        looks: float | tuple[float, float] = (1.0, 32.0),
        sigma_map: bool = False,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.looks = as_interval(looks, "looks", "a number of looks", least=1.0, most=1e4)
        self.sigma_map = sigma_map
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a number of looks drawn for each sample."""
        looks = draw.logarithmic(self.looks)
        factor = gamma_numbers(looks.expand(clean.shape), draw.generator).div_(looks)
        level = (self.pooled(clean.detach().float().square(), self.sigma_map) / looks).sqrt()
        return Degraded(factor * clean, level)
