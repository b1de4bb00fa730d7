"""The noise of a camera's sensor, in light."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.noise.parameters import Draws

_DARKEST = 1e-4  # the slope of the gamma curve grows without bound towards 0
_LEAST_LIGHT = 1e-9
# Read noise as a function of shot noise over many cameras and gains, in natural logarithms:
# Brooks et al., Unprocessing Images for Learned Raw Denoising, CVPR 2019,
# https://arxiv.org/abs/1811.11127
_READ_SLOPE, _READ_OFFSET, _READ_SPREAD = 2.18, 1.20, 0.26


def to_light(image: Tensor, gamma: Tensor | float) -> Tensor:
    """Values of a picture in [0, 1] as amounts of light; 1 is white."""
    return image.clamp(_DARKEST, 1.0) ** gamma


def to_picture(light: Tensor, gamma: Tensor | float) -> Tensor:
    """Amounts of light as values of a picture, clipped to [0, 1]."""
    # The slope of the gamma curve is infinite at 0.
    return light.clamp(_LEAST_LIGHT, 1.0) ** (1 / gamma)


def read_variance(shot: Tensor, draw: Draws) -> Tensor:
    """A variance of the read noise that suits that of the shot noise at white, (B, 1, 1, 1)."""
    spread = draw.normal(*shot.shape) * _READ_SPREAD
    return (_READ_SLOPE * shot.log() + _READ_OFFSET + spread).exp()


def sensor_noise(
    light: Tensor, shot: Tensor, read: Tensor, gains: Tensor | float, draw: Draws
) -> Tensor:
    """Shot and read noise of raw values that were multiplied by gains.

    Before the gain g, a pixel has the value light / g, whose variance is shot * light / g + read.
    The gain multiplies it by g^2.

    Args:
        light: (B, C, H, W), after the gain.
        shot: variance of the shot noise at a raw value of 1, (B, 1, 1, 1).
        read: variance of the read noise, (B, 1, 1, 1).
        gains: amplification of each channel, (B, C, 1, 1).
        draw: source of the random numbers.
    """
    variance = gains * (shot * light + gains * read)
    return draw.normal(*light.shape) * variance.sqrt()


def white_balance(most: float, draw: Draws) -> Tensor:
    """Gains of red and blue from 1 to `most`, and 1 for green, (B, 3, 1, 1)."""
    gains = draw.parameter((1.0, most), each=3)
    return torch.cat((gains[:, :1], torch.ones_like(gains[:, 1:2]), gains[:, 2:]), 1)


def mixed_colours(noise: Tensor, strength: Tensor) -> Tensor:
    """The noise (B, 3, H, W) after a colour matrix, which amplifies differences of channels.

    The rows of the matrix sum to 1: more of a channel, less of the others.
    """
    return noise + 1.5 * strength * (noise - noise.mean(1, keepdim=True))
