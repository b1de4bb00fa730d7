"""Additive noise that does not depend on the image."""

from __future__ import annotations

import math

from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval
from restorekit.records import Degraded

_SCALE = "on the scale of the images (25 of 255 is 0.098)"


class Gaussian(Noise):
    """Additive white Gaussian noise: noisy = clean + std * n, n ~ N(0, 1) at every value.

    Does not clip by default, as in the published protocol of Gaussian denoising
    (https://arxiv.org/abs/1608.03981): noisy values leave [0, 1] and the noise stays Gaussian.

    Args:
        std: Standard deviation on the images' scale of [0, 1], or a (low, high) range from which
            each sample draws its own.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], or low > high.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=(0.02, 0.2))
        >>> degraded = noise(batch)
        >>> degraded.noisy.shape, degraded.sigma.shape
        (torch.Size([2, 3, 32, 32]), torch.Size([2, 1, 1, 1]))
    """

    def __init__(self, std: float | tuple[float, float] = 0.1, clip: bool = False) -> None:
        super().__init__()
        self.std = as_interval(std, "std", _SCALE)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a standard deviation drawn for each sample."""
        sigma = draw.parameter(self.std)
        return Degraded(clean + draw.normal(*clean.shape).mul_(sigma), sigma)


class Uniform(Noise):
    """Additive uniform noise: noisy = clean + u, u uniform in [-amplitude, amplitude].

    Does not clip by default: noisy values leave [0, 1]. Its standard deviation is
    amplitude / sqrt(3).

    Args:
        amplitude: Largest change of a value on the images' scale of [0, 1], or a (low, high)
            range from which each sample draws its own.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: amplitude is outside [0, 1], or low > high.

    Example:
        >>> degraded = restorekit.create_noise("uniform", amplitude=0.2)(batch)
        >>> bool((degraded.noisy - batch).abs().max() <= 0.2)
        True
        >>> round(float(degraded.sigma[0]), 3)
        0.115
    """

    def __init__(self, amplitude: float | tuple[float, float] = 0.2, clip: bool = False) -> None:
        super().__init__()
        self.amplitude = as_interval(amplitude, "amplitude", _SCALE)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of an amplitude drawn for each sample."""
        amplitude = draw.parameter(self.amplitude)
        noise = draw.uniform(*clean.shape).mul_(2.0).sub_(1.0).mul_(amplitude)
        return Degraded(clean + noise, amplitude / math.sqrt(3.0))


class Laplace(Noise):
    """Additive Laplace noise: noisy = clean + n, n of density exp(-|n| / scale) / (2 scale).

    It has heavier tails than Gaussian noise. Does not clip by default: noisy values leave [0, 1].
    Its standard deviation is sqrt(2) scale.

    Args:
        scale: Mean absolute change of a value on the images' scale of [0, 1], or a (low, high)
            range from which each sample draws its own.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: scale is outside [0, 1], or low > high.

    Example:
        >>> degraded = restorekit.create_noise("laplace", scale=0.05)(batch)
        >>> round(float(degraded.sigma[0]), 4)
        0.0707
    """

    def __init__(self, scale: float | tuple[float, float] = 0.05, clip: bool = False) -> None:
        super().__init__()
        self.scale = as_interval(scale, "scale", _SCALE)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a scale drawn for each sample."""
        scale = draw.parameter(self.scale)
        # The inverse of the distribution function, of numbers in [-1, 1).
        signed = draw.uniform(*clean.shape).mul_(2.0).sub_(1.0)
        # The smallest number that `uniform` can give has no logarithm.
        size = signed.abs().clamp_(max=1 - 2.0**-24).neg_().log1p_()
        return Degraded(clean + size.copysign_(signed).mul_(scale), scale * math.sqrt(2.0))
