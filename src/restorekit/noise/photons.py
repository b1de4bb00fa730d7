"""Noise of counted photons, whose variance grows with the signal."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.filters import constant
from restorekit.noise.parameters import Draws, as_interval, in_place_of
from restorekit.noise.poisson_numbers import poisson_numbers
from restorekit.noise_profile import NoiseProfile
from restorekit.records import Degraded

_MOST_PHOTONS = 1e6


class Poisson(Noise):
    """Photon noise: noisy = N / peak, N Poisson distributed with mean peak * clean.

    The mean is the clean value, the variance clean / peak. Does not clip by default: bright values
    exceed 1. Gradients pass as though nothing had happened. On a CPU the distribution of the counts
    is approximated: their total variation distance to the Poisson distribution is below 1e-4.

    As sigma, each sample has the root of its mean variance.

    Args:
        peak: Photons of a white pixel, or a (low, high) range from which each sample draws its own,
            uniformly in the logarithm.
        sigma_map: Whether sigma is a map (B, 1, H, W) of each pixel's own. It shows the clean
            picture to a network that takes it.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: peak is outside [0.01, 1000000], or low > high.

    Example:
        >>> degraded = restorekit.create_noise("poisson", peak=100)(torch.full((1, 1, 8, 8), 0.25))
        >>> round(float(degraded.sigma), 3)
        0.05
        >>> counts = degraded.noisy * 100
        >>> torch.allclose(counts, counts.round(), atol=1e-3)
        True
    """

    def __init__(
        self,
        peak: float | tuple[float, float] = (10.0, 1000.0),
        sigma_map: bool = False,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.peak = as_interval(peak, "peak", "in photons", least=0.01, most=_MOST_PHOTONS)
        self.sigma_map = sigma_map
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with the noise of a number of photons drawn for each sample."""
        gain = 1 / draw.logarithmic(self.peak)
        light = clean.detach().float()
        counts = poisson_numbers(light / gain, draw.generator)
        level = (self.pooled(light, self.sigma_map).clamp(min=0.0) * gain).sqrt()
        return Degraded(in_place_of(clean, counts.mul_(gain)), level)


class PoissonGaussian(Noise):
    """Photon and read noise: noisy = gain * N + read * n, N Poisson with mean clean / gain.

    The mean is the clean value, the variance gain * clean + read^2: the model of A. Foi et al.,
    IEEE TIP 2008. Does not clip by default. Gradients pass as though nothing had happened. The
    counts are those of `poisson`.

    As sigma, each sample has the root of its mean variance.

    Args:
        gain: Value of one photon on the images' scale of [0, 1], or a (low, high) range from which
            each sample draws its own, uniformly in the logarithm.
        read: Standard deviation of the read noise on that scale, or a range, uniformly.
        profile: File of a noise profile, as `restorekit analyze --profile` writes it. Each sample
            draws one of its pairs, in place of gain and read.
        sigma_map: Whether sigma is a map (B, 1, H, W) of each pixel's own. It shows the clean
            picture to a network that takes it.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: gain is outside [0.000001, 1], read outside [0, 1], or low > high.
        ArgumentError: the profile cannot be read.

    Example:
        >>> noise = restorekit.create_noise("poisson_gaussian", gain=0.01, read=0.05)
        >>> round(float(noise(torch.full((1, 1, 8, 8), 0.75)).sigma), 4)
        0.1
    """

    def __init__(
        self,
        gain: float | tuple[float, float] = (0.001, 0.05),
        read: float | tuple[float, float] = (0.0, 0.02),
        profile: str | None = None,
        sigma_map: bool = False,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.gain = as_interval(gain, "gain", "the value of a photon", least=1 / _MOST_PHOTONS)
        self.read = as_interval(read, "read", "on the scale of the images")
        self.profile = profile
        self._pairs = None if profile is None else _pairs_of(NoiseProfile.read(profile))
        self.sigma_map = sigma_map
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a gain and read noise drawn for each sample."""
        gain, read, pedestal = self._drawn(draw)
        light = (clean.detach().float() - pedestal).clamp_(min=0.0)
        shot = poisson_numbers(light / gain, draw.generator).mul_(gain).sub_(light)
        noise = shot.addcmul_(draw.normal(*clean.shape), read)
        level = (self.pooled(light, self.sigma_map) * gain + read.square()).sqrt()
        return Degraded(clean + noise, level)

    def _drawn(self, draw: Draws) -> tuple[Tensor, Tensor, Tensor]:
        """Gain, read noise and pedestal of each sample, (B, 1, 1, 1)."""
        if self._pairs is None:
            gain, read = draw.logarithmic(self.gain), draw.parameter(self.read)
            return gain, read, torch.zeros_like(gain)
        chance = draw.uniform(draw.count)
        pairs = constant(self._pairs, chance)[(chance * len(self._pairs)).long()]
        gain, read, pedestal = pairs.view(-1, 3, 1, 1).split(1, 1)
        return gain, read, pedestal


def _pairs_of(profile: NoiseProfile) -> tuple[tuple[float, float, float], ...]:
    return tuple((pair.gain, pair.read, pair.pedestal) for pair in profile.pairs)
