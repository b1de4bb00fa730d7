"""Noise models of DeepInverse that draw from the generator of the run."""

from __future__ import annotations

from deepinv import physics
from torch import Tensor

from restorekit import Degraded
from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws


def _at_least_zero(**values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must be at least 0, not {value}")


class Laplace(Noise):
    """noisy = clean + n, where n has a Laplace distribution; its deviation is scale * sqrt(2).

    Args:
        scale: Scale of the distribution on the [0, 1] scale.

    Raises:
        ValueError: scale is negative.
    """

    def __init__(self, scale: float = 0.05) -> None:
        super().__init__()
        _at_least_zero(scale=scale)
        self.scale = scale

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The noisy batch and its deviation."""
        noisy = physics.LaplaceNoise(b=self.scale, rng=draw.generator)(clean.float())
        sigma = clean.new_full((len(clean), 1, 1, 1), self.scale * 2**0.5)
        return Degraded(noisy, sigma)


class Rician(Noise):
    """noisy = |clean + n1 + i n2|, as the magnitude of a complex signal with Gaussian noise.

    Args:
        std: Standard deviation of n1 and n2 on the [0, 1] scale.

    Raises:
        ValueError: std is negative.
    """

    def __init__(self, std: float = 0.05) -> None:
        super().__init__()
        _at_least_zero(std=std)
        self.std = std

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The noisy batch."""
        noisy: Tensor = physics.RicianNoise(self.std, rng=draw.generator)(clean.float())
        return noisy


class PoissonGaussian(Noise):
    """noisy = gain * P(clean / gain) + n, with the Poisson distribution P and Gaussian n.

    Args:
        gain: Signal of one photon on the [0, 1] scale, above 0.
        std: Standard deviation of n on the [0, 1] scale.

    Raises:
        ValueError: gain is not above 0, or std is negative.
    """

    def __init__(self, gain: float = 0.01, std: float = 0.02) -> None:
        super().__init__()
        _at_least_zero(std=std)
        if not gain > 0:
            raise ValueError(f"gain must be above 0, not {gain}")
        self.gain, self.std = gain, std

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The noisy batch."""
        model = physics.PoissonGaussianNoise(
            self.gain, self.std, clip_positive=True, rng=draw.generator
        )
        noisy: Tensor = model(clean.float())
        return noisy


class LogPoisson(Noise):
    """noisy = -log(P(photons * exp(-absorption * clean)) / photons) / absorption.

    Args:
        photons: Mean number of photons without absorption.
        absorption: Absorption of a pixel of value 1. Few photons that all are absorbed give
            infinite values, so keep photons * exp(-absorption) far above 10.

    Raises:
        ValueError: an argument is not above 0.
    """

    def __init__(self, photons: float = 1024.0, absorption: float = 1.0) -> None:
        super().__init__()
        if not (photons > 0 and absorption > 0):
            raise ValueError("photons and absorption must be above 0")
        self.photons, self.absorption = photons, absorption

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The noisy batch."""
        model = physics.LogPoissonNoise(self.photons, self.absorption, rng=draw.generator)
        noisy: Tensor = model(clean.float())
        return noisy
