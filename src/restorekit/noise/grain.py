"""The grain of photographic film."""

from __future__ import annotations

from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.filters import brightness, random_field, reach_of
from restorekit.noise.parameters import Draws, as_interval


class Grain(Noise):
    """Film grain: coarse noise of the brightness, equal in all channels.

    It is strongest in the middle tones, and 0.3 times as strong at black and white. Does not clip
    by default: noisy values may leave [0, 1].

    Args:
        std: Standard deviation at middle gray on the scale of the images, or a (low, high) range
            from which each sample draws its own, uniformly in the logarithm.
        radius: Size of the grain, as the standard deviation in pixels of the Gaussian window that
            white noise was blurred with, or a range.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1] or 0, radius outside [0, 6], or low > high.

    Example:
        >>> gray = batch[:, :1].expand(-1, 3, -1, -1)
        >>> noisy = restorekit.create_noise("grain")(gray).noisy
        >>> torch.allclose(noisy[:, 0], noisy[:, 1])
        True
    """

    def __init__(
        self,
        std: float | tuple[float, float] = (0.004, 0.06),
        radius: float | tuple[float, float] = (0.4, 2.5),
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "on the scale of the images")
        if self.std[0] <= 0.0:
            raise ValueError("std must be above 0; it is drawn in the logarithm")
        self.radius = as_interval(radius, "radius", "in pixels", most=6.0)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with grain; sigma is unknown, since it depends on the image."""
        std, radius = draw.logarithmic(self.std), draw.parameter(self.radius)
        return clean + film_grain(clean.float(), std, radius, reach_of(self.radius[1]), draw)


def film_grain(clean: Tensor, std: Tensor, radius: Tensor, reach: int, draw: Draws) -> Tensor:
    """The grain (B, 1, H, W) on a batch.

    Args:
        clean: (B, C, H, W) in [0, 1].
        std: standard deviation at middle gray, (B, 1, 1, 1).
        radius, reach: as for `random_field`.
        draw: source of the random numbers.
    """
    gray = brightness(clean)
    field = random_field(draw, 1, (clean.shape[2], clean.shape[3]), radius, reach)
    return field * std * (0.3 + 2.8 * gray * (1 - gray))
