"""Blur of the picture itself, by an unfocused or moving camera."""

from __future__ import annotations

from math import ceil, pi

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.noise.base import Noise
from restorekit.noise.filters import blur, padded
from restorekit.noise.parameters import Draws, as_interval

_WIDEST = 16.0  # radius in pixels
_LONGEST = 64.0  # length in pixels
_POINTS = 16  # of the path of a moving camera, for each pixel of its length


class Blur(Noise):
    """Gaussian blur of the picture.

    The picture continues beyond its border by mirroring. Nothing leaves the range of the clean
    batch, and no noise is added.

    Args:
        radius: Standard deviation of the Gaussian window in pixels, or a (low, high) range from
            which each sample draws its own.

    Raises:
        ValueError: radius is outside [0, 16], or low > high.

    Example:
        >>> noise = restorekit.create_noise("chain", noises=["blur", "gaussian"])
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(self, radius: float | tuple[float, float] = (0.5, 2.0)) -> None:
        super().__init__()
        self.radius = as_interval(radius, "radius", "in pixels", most=_WIDEST)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch, blurred by a radius of its own for each sample; sigma is unknown."""
        # Four radii, since at the usual 2.5 the window of a blurred picture ends in a step.
        return blur(clean.float(), draw.parameter(self.radius), ceil(4 * self.radius[1]))


class MotionBlur(Noise):
    """Blur by a straight motion of the camera during the exposure.

    Each pixel is the mean of the picture along a line that is centred on it, with bilinear
    interpolation. The picture continues beyond its border by mirroring. Nothing leaves the range
    of the clean batch, and no noise is added.

    Args:
        length: Length of the line in pixels, or a (low, high) range from which each sample draws
            its own.
        angle: Direction of the line in degrees, 0 horizontal, anticlockwise as the picture is seen,
            or a range.

    Raises:
        ValueError: length is outside [0, 64], angle outside [-360, 360], or low > high.

    Example:
        >>> noise = restorekit.create_noise("motion_blur", length=9, angle=(0, 180))
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        length: float | tuple[float, float] = (3.0, 15.0),
        angle: float | tuple[float, float] = (0.0, 180.0),
    ) -> None:
        super().__init__()
        self.length = as_interval(length, "length", "in pixels", most=_LONGEST)
        self.angle = as_interval(angle, "angle", "in degrees", least=-360.0, most=360.0)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch, blurred along a line of its own for each sample; sigma is unknown."""
        length, angle = draw.parameter(self.length), draw.parameter(self.angle)
        reach = ceil(self.length[1] / 2) + 1
        kernels = _lines(length, angle, reach, max(1, ceil(_POINTS * self.length[1])))
        count, channels, *size = clean.shape
        # Samples become groups of channels, so that one convolution filters each with its own line.
        stacked = padded(clean.float(), reach).flatten(0, 1)[None]
        each = kernels.repeat_interleave(channels, 0)[:, None]
        blurred = functional.conv2d(stacked, each, groups=count * channels)
        return blurred.view(count, channels, *size)


def _lines(length: Tensor, angle: Tensor, reach: int, points: int) -> Tensor:
    """Kernels (B, 2 * reach + 1, 2 * reach + 1) that take the mean along lines.

    Args:
        length: in pixels, (B, 1, 1, 1).
        angle: in degrees, anticlockwise, (B, 1, 1, 1).
        reach: pixels of the kernel on each side, at least half of the length and one more.
        points: how many points of a line are averaged.
    """
    place = torch.arange(points, device=length.device)
    along = length.view(-1, 1) * ((place + 0.5) / points - 0.5)
    turn = angle.view(-1, 1) * (pi / 180)
    pixel = torch.arange(-reach, reach + 1, device=length.device)
    # Rows count downwards. The weight of a pixel is the product of those of its row and column.
    rows = _bilinear(pixel - (-along * turn.sin())[..., None])
    columns = _bilinear(pixel - (along * turn.cos())[..., None])
    return rows.mT @ columns / points


def _bilinear(distance: Tensor) -> Tensor:
    """The weight that bilinear interpolation gives to pixels at a distance."""
    return (1 - distance.abs()).clamp(min=0)
