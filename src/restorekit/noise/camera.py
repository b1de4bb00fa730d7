"""Camera noise: noise of the sensor, followed by the processing of the camera."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from restorekit.luma import luma
from restorekit.noise.base import Noise
from restorekit.noise.demosaicing import Demosaicing, demosaiced
from restorekit.noise.filters import blur, reach_of
from restorekit.noise.parameters import Draws, as_interval, as_probability
from restorekit.noise.sensor import (
    mixed_colours,
    read_variance,
    sensor_noise,
    to_light,
    to_picture,
    white_balance,
)


class Camera(Noise):
    """Noise of a camera: shot and read noise in linear light, as demosaicing and colour leave it.

    The picture is converted to linear light by a gamma curve. Each pixel of the sensor gets normal
    noise of variance shot * light + read. Of a colour picture the sensor measures one channel a
    pixel (Bayer): the noise is amplified by the white balance, interpolated to all pixels, mixed
    by the colour matrix and perhaps smoothed, which makes it coarse and coloured. The picture
    itself stays sharp. At the end it gets its gamma curve again. Clips to [0, 1].

    The white balance multiplies the values of red and blue by a gain g, hence the variance of the
    shot noise at a given light by g, and that of the read noise by g^2.

    Read noise is drawn to suit the shot noise as measured over many cameras, in
    Brooks et al., Unprocessing Images for Learned Raw Denoising, CVPR 2019,
    https://arxiv.org/abs/1811.11127

    Args:
        shot: Variance of the shot noise at the largest value of the sensor, or a (low, high) range
            from which each sample draws its own, uniformly in the logarithm: 0.0001 is daylight,
            0.01 a dark room.
        smooth: Standard deviation in pixels of the smoothing of the noise, or a range.
        gain: Largest amplification of red and blue by the white balance; each sample draws from
            1 to this number for each.
        mixing: Strength of the colour matrix; 0 leaves the channels alone.
        gamma: Exponent of the gamma curve, or a range. 1 is for pictures with values in proportion
            to the light, as of microscopes and telescopes.
        exposure: Share of the sensor's range that white reaches, or a range. A dim picture is
            amplified by 1 / exposure, together with its noise.
        demosaicing: Interpolation of the colours: "bilinear", "malvar" (Malvar, He and Cutler,
            High-Quality Linear Interpolation, ICASSP 2004), "nearest", or "none" for a sensor that
            measures all colours in each pixel. Several with weights, for example
            {"bilinear": 2, "malvar": 1}: each sample draws one.
        gray_sensor: Probability that a gray picture is of a gray sensor. The others are the luma
            of a colour sensor.

    Raises:
        ValueError: shot, smooth, mixing or gray_sensor is outside [0, 1], shot is 0, gamma outside
            [1, 4], exposure outside [0.01, 1], low > high, gain below 1, or the methods of
            demosaicing cannot be used.

    Example:
        >>> degraded = restorekit.create_noise("camera", shot=0.01)(batch)
        >>> degraded.noisy.shape, degraded.sigma
        (torch.Size([2, 3, 32, 32]), None)
        >>> microscope = restorekit.create_noise("camera", gamma=1, exposure=(0.1, 1.0))
        >>> microscope(batch[:, :1]).noisy.shape
        torch.Size([2, 1, 32, 32])
    """

    takes_channels = (1, 3)

    def __init__(
        self,
        shot: float | tuple[float, float] = (1e-4, 1e-2),
        smooth: float | tuple[float, float] = (0.0, 0.8),
        gain: float = 2.4,
        mixing: float = 0.6,
        gamma: float | tuple[float, float] = 2.2,
        exposure: float | tuple[float, float] = 1.0,
        demosaicing: Demosaicing | Mapping[Demosaicing, float] = "bilinear",
        gray_sensor: float = 1.0,
    ) -> None:
        super().__init__()
        self.shot = as_interval(shot, "shot", "a variance in linear light")
        self.smooth = as_interval(smooth, "smooth", "in pixels")
        self.mixing = as_interval(mixing, "mixing", "a share")[0]
        self.gamma = as_interval(gamma, "gamma", "an exponent", least=1.0, most=4.0)
        self.exposure = as_interval(exposure, "exposure", "a share of the range", least=0.01)
        self.gray_sensor = as_probability(gray_sensor, "gray_sensor")
        if self.shot[0] <= 0.0:
            raise ValueError("shot must be above 0; it is drawn in the logarithm")
        if not 1.0 <= gain < math.inf:
            raise ValueError(f"gain must be at least 1, not {gain}")
        self.gain = gain
        self.demosaicing = demosaicing
        self._methods = _weighted(demosaicing)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with noise of a random camera for each sample; it depends on the brightness."""
        gamma = draw.parameter(self.gamma)
        light = to_light(clean.float(), gamma)
        noise = self._gray(light, draw) if clean.shape[1] == 1 else self._colour(light, draw)
        if self.smooth[1]:
            noise = blur(noise, draw.parameter(self.smooth), reach_of(self.smooth[1]))
        return to_picture(light + noise, gamma)

    def _colour(self, light: Tensor, draw: Draws) -> Tensor:
        """Noise (B, 3, H, W) of a colour sensor."""
        gains = white_balance(self.gain, draw) / draw.parameter(self.exposure)
        noise = demosaiced(self._raw(light, gains, draw), self._methods, draw)
        return mixed_colours(noise, draw.parameter((0.0, self.mixing)))

    def _gray(self, light: Tensor, draw: Draws) -> Tensor:
        """Noise (B, 1, H, W) of a gray sensor, or the luma of that of a colour sensor."""
        noise = self._raw(light, 1 / draw.parameter(self.exposure), draw)
        if self.gray_sensor == 1.0:
            return noise
        of_colours = luma(self._colour(light.expand(-1, 3, -1, -1), draw))
        return torch.where(draw.chance(self.gray_sensor), noise, of_colours)

    def _raw(self, light: Tensor, gains: Tensor, draw: Draws) -> Tensor:
        shot = draw.logarithmic(self.shot)
        return sensor_noise(light, shot, read_variance(shot, draw), gains, draw)


def _weighted(demosaicing: Demosaicing | Mapping[Demosaicing, float]) -> dict[Demosaicing, float]:
    """The methods with their weights, those without weight left out."""
    given = {demosaicing: 1.0} if isinstance(demosaicing, str) else dict(demosaicing)
    for method, weight in given.items():
        if not 0.0 <= weight < math.inf:
            raise ValueError(
                f"the weight of demosaicing '{method}' must be at least 0, not {weight}"
            )
    used = {method: float(weight) for method, weight in given.items() if weight}
    if not used:
        raise ValueError("demosaicing needs a method with a weight above 0")
    return used
