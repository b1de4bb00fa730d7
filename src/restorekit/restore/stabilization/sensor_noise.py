"""The noise of a sensor, in the units of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from restorekit.errors import ArgumentError
from restorekit.estimate.noise_curve import NoiseCurve
from restorekit.noise_profile import SensorPair


@dataclass(frozen=True)
class SensorNoise:
    """The noise of a sensor, in the units of the image: its values as they are stored.

    The variance of a value is gain * (value - pedestal) + read^2.

    Args:
        gain: value of one photon, or of one electron.
        read: standard deviation of the read noise.
        pedestal: value without light.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> camera = restorekit.SensorNoise(gain=2.5, read=8, pedestal=100)
        >>> curve = camera.curve(black=0, white=4095)
        >>> round(4095 * curve.sigma(2000 / 4095), 1)
        69.4
    """

    gain: float
    read: float = 0.0
    pedestal: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.gain < math.inf):
            raise ArgumentError(f"the gain of a sensor is above 0, not {self.gain}")
        if not (0 <= self.read < math.inf and math.isfinite(self.pedestal)):
            raise ArgumentError(
                f"read noise is at least 0 and a pedestal is finite, not {self.read} and "
                f"{self.pedestal}"
            )

    @classmethod
    def of(cls, pair: SensorPair) -> SensorNoise:
        """The noise of a pair of a noise profile, in the values of the files that it is of."""
        span = pair.white - pair.black
        return cls(pair.gain * span, pair.read * span, pair.black + pair.pedestal * span)

    def curve(self, black: float, white: float) -> NoiseCurve:
        """The noise curve on the scale where `black` is 0 and `white` is 1."""
        span = white - black
        variance = self.gain * (black - self.pedestal) + self.read**2
        return NoiseCurve(self.gain / span, variance / span**2)
