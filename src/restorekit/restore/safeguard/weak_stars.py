"""Weak stars in a dark sky, of which a network removes a part with the noise.

A star of a few pixels can be significant although none of its pixels is: the matched filter, which
sums them with the weights of the star, sees it. What a network removed from such stars is returned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.restore.safeguard.window import RADIUS, window_mean

# The star of the filter. For stars of 1 to 1.5 pixels (standard deviation), its width is good
# enough: it loses less than 3 % of their significance.
_WIDTH, _REACH = 1.2, 4
# In standard deviations of the filtered noise. White noise exceeds it at 3 of ten million pixels.
_SIGNIFICANT = 5.0
_APART = 7  # side of the square in which a star is the highest
# A sky has one brightness: this share of its pixels differs from it by at most the noise, and this
# one from the mean around it by at most that part of the noise. Some pixels are brighter, few of
# them as much darker. Photographs and micrographs reach one or two of these, not all.
_SKY, _SMOOTH, _SMOOTH_SHARE = 0.95, 0.3, 0.9
_FEWEST_BRIGHT, _DARK_PER_BRIGHT = 2e-4, 0.1


@dataclass(frozen=True)
class Sky:
    """A sky with stars, as the mean of the channels.

    Attributes:
        level: its brightness.
        noise: standard deviation of its noise.
        filtered: standard deviation of this noise after the matched filter.
    """

    level: float
    noise: float
    filtered: float


def find_sky(noisy: Tensor, restored: Tensor) -> Sky | None:
    """The sky of a picture; None if the picture has other content.

    Args:
        noisy: (N, C, H, W), pieces of a picture, floats on the [0, 1] scale.
        restored: the restored pieces.
    """
    if min(noisy.shape[-2:]) <= 2 * RADIUS:
        return None
    made = restored.mean(1, keepdim=True)
    residual = noisy.mean(1, keepdim=True) - made
    noise, level = _spread(residual), float(made.median())
    if not noise:
        return None
    deviation = (made - level) / noise
    unevenness = (made - _background(made, level, noise)).abs() / noise
    bright, dark = _share(deviation > 1), _share(deviation < -1)
    is_sky = (
        1 - bright - dark > _SKY
        and bright > _FEWEST_BRIGHT
        and dark < _DARK_PER_BRIGHT * bright
        and _share(unevenness < _SMOOTH) > _SMOOTH_SHARE
    )
    return Sky(level, noise, _spread(_filtered(residual))) if is_sky else None


def with_weak_stars(noisy: Tensor, restored: Tensor, sky: Sky) -> Tensor:
    """Return what was removed from significant stars.

    Args:
        noisy: (B, C, H, W), a picture or a part of it.
        restored: the restored picture.
        sky: of the whole picture.
    """
    seen, made = noisy.mean(1, keepdim=True), restored.mean(1, keepdim=True)
    found = _filtered(seen - _background(made, sky.level, sky.noise))
    highest = functional.max_pool2d(found, _APART, 1, _APART // 2)
    is_star = (found == highest) & (found > _SIGNIFICANT * sky.filtered)
    is_star &= _filtered(seen - made) > 0
    lost = _filtered(noisy - restored) * is_star
    return restored + _convolved(functional.pad(lost, (_REACH,) * 4))


def _background(made: Tensor, level: float, noise: float) -> Tensor:
    """The mean around each pixel, hardly raised by stars."""
    return window_mean(made.clamp(max=level + noise / 2))


def _filtered(values: Tensor) -> Tensor:
    return _convolved(functional.pad(values, (_REACH,) * 4, mode="reflect"))


def _convolved(padded: Tensor) -> Tensor:
    """Each channel convolved with a star whose squares sum to one, in two passes."""
    places = torch.arange(-_REACH, _REACH + 1, dtype=padded.dtype, device=padded.device)
    star = (places.square() / (-2 * _WIDTH**2)).exp()
    star = star / star.square().sum().sqrt()
    planes = padded.flatten(0, 1)[:, None]
    with torch.autocast(padded.device.type, enabled=False):
        planes = functional.conv2d(planes, star[None, None, :, None])
        planes = functional.conv2d(planes, star[None, None, None, :])
    height, width = planes.shape[-2:]
    return planes.reshape(*padded.shape[:2], height, width)


def _share(condition: Tensor) -> float:
    return float(condition.float().mean())


def _spread(values: Tensor) -> float:
    """Standard deviation by the median, which stars hardly affect."""
    return float(values.abs().median()) / 0.6745
