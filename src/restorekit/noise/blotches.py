"""Blotches of colour, which cameras leave where they removed the fine noise of the colour."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.filters import random_field, reach_of
from restorekit.noise.parameters import Draws, as_interval


class Blotches(Noise):
    """Coarse normal noise of the colour differences Cb and Cr. The luma stays as it is.

    Does not clip by default: noisy values may leave [0, 1].

    Args:
        std: Standard deviation of Cb and Cr on the scale of the images, or a (low, high) range
            from which each sample draws its own.
        radius: Size of the blotches, as the standard deviation in pixels of the Gaussian window
            that white noise was blurred with, or a range.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], radius outside [0, 6], or low > high.

    Example:
        >>> from restorekit.luma import luma
        >>> noisy = restorekit.create_noise("blotches", std=0.02)(batch).noisy
        >>> torch.allclose(luma(noisy), luma(batch), atol=1e-5)
        True
    """

    takes_channels = (3,)

    def __init__(
        self,
        std: float | tuple[float, float] = (0.0, 0.024),
        radius: float | tuple[float, float] = (1.5, 6.0),
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "on the scale of the images")
        self.radius = as_interval(radius, "radius", "in pixels", most=6.0)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with blotches; sigma is unknown, for it differs between the channels."""
        size = (clean.shape[2], clean.shape[3])
        std = draw.parameter(self.std)
        return clean + std * chroma_field(
            draw, size, draw.parameter(self.radius), reach_of(self.radius[1])
        )


def chroma_field(draw: Draws, size: tuple[int, int], radius: Tensor, reach: int) -> Tensor:
    """Coarse noise (B, 3, height, width) without luma, with Cb and Cr of variance 1.

    Args:
        draw: source of the random numbers.
        size: height and width.
        radius, reach: as for `random_field`.
    """
    blue, red = random_field(draw, 2, size, radius, reach).split(1, 1)
    # Cb and Cr of ITU-R BT.601 as red, green and blue.
    return torch.cat((1.402 * red, -0.344136 * blue - 0.714136 * red, 1.772 * blue), 1)
