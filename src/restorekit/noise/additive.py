"""Additive noise that does not depend on the image."""

from __future__ import annotations

import math

from torch import Generator, Tensor, nn

from restorekit.noise.parameters import (
    as_interval,
    check_clean_batch,
    draw_parameters,
    normal,
    uniform,
)
from restorekit.records import Degraded

_SCALE = "on the scale of the images (25 of 255 is 0.098)"


class Gaussian(nn.Module):
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

    def forward(self, clean: Tensor, generator: Generator | None = None) -> Degraded:
        """Add noise to a batch.

        Args:
            clean: (B, C, H, W) in [0, 1].
            generator: source of the random numbers, on the device of `clean`; torch's own if None.

        Returns:
            The noisy batch in the dtype of `clean`, and the std of each sample, (B, 1, 1, 1),
            that of the noise before clipping.

        Raises:
            InputError: `clean` or `generator` cannot be used.
        """
        check_clean_batch(clean, generator)
        sigma = draw_parameters(self.std, clean, generator)
        return _add(clean, normal(clean.shape, clean, generator).mul_(sigma), sigma, self.clip)

    def extra_repr(self) -> str:
        """The arguments, for print."""
        return f"std={self.std}, clip={self.clip}"


class Uniform(nn.Module):
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

    def forward(self, clean: Tensor, generator: Generator | None = None) -> Degraded:
        """Add noise to a batch.

        Args:
            clean: (B, C, H, W) in [0, 1].
            generator: source of the random numbers, on the device of `clean`; torch's own if None.

        Returns:
            The noisy batch in the dtype of `clean`, and the standard deviation of each sample,
            (B, 1, 1, 1), that of the noise before clipping.

        Raises:
            InputError: `clean` or `generator` cannot be used.
        """
        check_clean_batch(clean, generator)
        amplitude = draw_parameters(self.amplitude, clean, generator)
        noise = uniform(clean.shape, clean, generator).mul_(2.0).sub_(1.0).mul_(amplitude)
        return _add(clean, noise, amplitude / math.sqrt(3.0), self.clip)

    def extra_repr(self) -> str:
        """The arguments, for print."""
        return f"amplitude={self.amplitude}, clip={self.clip}"


def _add(clean: Tensor, noise: Tensor, sigma: Tensor, clip: bool) -> Degraded:
    noisy = clean + noise
    if clip:
        noisy = noisy.clamp(0.0, 1.0)
    return Degraded(noisy.to(clean.dtype), sigma.to(clean.dtype))
