"""Camera noise: noise in the raw data, followed by the processing of the camera."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval

GAMMA = 2.2
_DARKEST = 1e-4  # the slope of the gamma curve grows without bound towards 0
# Read noise as a function of shot noise over many cameras and gains, in natural logarithms
# (Brooks et al.).
_READ_SLOPE, _READ_OFFSET, _READ_SPREAD = 2.18, 1.20, 0.26
# Bilinear interpolation of one colour from its places in the Bayer mosaic.
_GREEN = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
_RED_BLUE = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))


class Camera(Noise):
    """Noise of a camera: shot and read noise in linear light, as demosaicing and colour leave it.

    The picture is taken back to linear light with a gamma of 2.2. Each pixel of the sensor gets
    normal noise of variance shot * light + read. Of a colour picture the sensor saw one channel a
    pixel (Bayer): the noise is interpolated to the others, amplified by the white balance, mixed
    by the colour matrix and perhaps smoothed, as cameras do, which makes its grains large and
    coloured; the picture itself is left sharp. Then comes the gamma curve. Clips to [0, 1].

    Read noise is drawn to suit the shot noise as measured over many cameras, in
    Brooks et al., Unprocessing Images for Learned Raw Denoising, CVPR 2019,
    https://arxiv.org/abs/1811.11127

    Args:
        shot: Variance of the shot noise at white in linear light, or a (low, high) range from
            which each sample draws its own, uniformly in the logarithm: 0.0001 is daylight, 0.01
            a dark room.
        smooth: Standard deviation in pixels of the smoothing of the noise, or a range.
        gain: Largest amplification of red and blue by the white balance; each sample draws from
            1 to here for each.
        mixing: Strength of the colour matrix; 0 leaves the channels alone.

    Raises:
        ValueError: shot or smooth is outside [0, 1] or low > high, shot is 0, gain below 1 or
            mixing outside [0, 1].

    Example:
        >>> degraded = restorekit.create_noise("camera", shot=0.01)(batch)
        >>> degraded.noisy.shape, degraded.sigma
        (torch.Size([2, 3, 32, 32]), None)
    """

    takes_channels = (1, 3)

    def __init__(
        self,
        shot: float | tuple[float, float] = (1e-4, 1e-2),
        smooth: float | tuple[float, float] = (0.0, 0.8),
        gain: float = 2.4,
        mixing: float = 0.6,
    ) -> None:
        super().__init__()
        self.shot = as_interval(shot, "shot", "a variance in linear light")
        self.smooth = as_interval(smooth, "smooth", "in pixels")
        self.mixing, _ = as_interval(mixing, "mixing", "a share")
        if self.shot[0] <= 0.0:
            raise ValueError("shot must be above 0; it is drawn in the logarithm")
        if not 1.0 <= gain < math.inf:
            raise ValueError(f"gain must be at least 1, not {gain}")
        self.gain = gain
        self._log_shot = (math.log(self.shot[0]), math.log(self.shot[1]))

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with noise of a random camera for each sample; it depends on the brightness."""
        light = clean.float().clamp(_DARKEST, 1.0) ** GAMMA
        shot = draw.parameter(self._log_shot)
        spread = draw.normal(*shot.shape) * _READ_SPREAD
        read = (_READ_SLOPE * shot + _READ_OFFSET + spread).exp()
        noise = draw.normal(*light.shape) * (shot.exp() * light + read).sqrt()
        if clean.shape[1] == 3:
            noise = self._colour(_demosaic(noise, draw), draw)
        noise = _smooth(noise, draw.parameter(self.smooth))
        return (light + noise).clamp(0.0, 1.0).clamp(min=_DARKEST**GAMMA) ** (1 / GAMMA)

    def _colour(self, noise: Tensor, draw: Draws) -> Tensor:
        """White balance, then a matrix whose rows sum to 1: more of a channel, less of the rest."""
        gains = draw.parameter((1.0, self.gain), each=3)
        # Green is the reference of the white balance.
        gains = torch.cat([gains[:, :1], torch.ones_like(gains[:, 1:2]), gains[:, 2:]], 1)
        noise = noise * gains
        strength = draw.parameter((0.0, self.mixing))
        return noise + strength * (noise - noise.mean(1, keepdim=True)) * 1.5


def _demosaic(noise: Tensor, draw: Draws) -> Tensor:
    """Noise (B, 3, H, W) as the sensor saw it, one channel a pixel, interpolated bilinearly."""
    height, width = noise.shape[-2:]
    rows = torch.arange(height, device=noise.device)[:, None] % 2
    columns = torch.arange(width, device=noise.device)[None] % 2
    # The mosaic starts at any of its four positions, since patches are cut at random positions.
    shift = (draw.uniform(len(noise), 2, 1, 1, 1) * 2).long()
    row, column = (rows + shift[:, 0]) % 2, (columns + shift[:, 1]) % 2
    sites = torch.cat([(row + column) == 0, (row + column) == 1, (row + column) == 2], 1)
    kernels = noise.new_tensor([_RED_BLUE, _GREEN, _RED_BLUE])[:, None]
    # Mirrored about the border pixel, a site keeps its colour; one row or column has no mirror.
    mirrored = "reflect" if min(height, width) > 1 else "replicate"
    mosaic = functional.pad(noise * sites, (1, 1, 1, 1), mirrored)
    return functional.conv2d(mosaic, kernels, groups=3)


def _smooth(noise: Tensor, radius: Tensor) -> Tensor:
    """Each sample of (B, C, H, W) under a 5x5 normal window of its own radius, (B, 1, 1, 1)."""
    if not bool((radius > 0).any()):
        return noise
    count, channels, height, width = noise.shape
    place = torch.arange(-2, 3, device=noise.device, dtype=torch.float32)
    window = (-(place**2) / (2 * radius.clamp(min=1e-3).view(-1, 1) ** 2)).exp()
    window = window / window.sum(1, keepdim=True)
    kernels = (window[:, :, None] * window[:, None]).repeat_interleave(channels, 0)[:, None]
    # Samples become groups of channels, so that one convolution filters all with their own window.
    stacked = functional.pad(noise.reshape(1, -1, height, width), (2, 2, 2, 2), "replicate")
    smoothed = functional.conv2d(stacked, kernels, groups=count * channels)
    return smoothed.view(count, channels, height, width)
