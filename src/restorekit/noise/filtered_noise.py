"""What cameras and programs do to noise: smoothing, sharpening, and all that makes it coarse.

Each noise model here changes the noise of another one. The picture itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from restorekit.noise.base import Noise
from restorekit.noise.compose import build_noises
from restorekit.noise.filters import blur, brightness, padded, reach_of, root_mean_square
from restorekit.noise.parameters import Draws, as_interval, as_probability
from restorekit.records import Degraded, degrade

_WIDEST = 4.0  # radius in pixels
# The local contrast of the picture, for `smoothed_where_flat`: radii of the two windows.
_DETAIL, _AROUND = 1.0, 2.0


class Filtered(Noise):
    """Base class of noises that filter the noise of another one.

    A subclass implements `filtered`.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        share: Probability that the noise of a sample is filtered.
        clip: Whether to clip to [0, 1].
        reach: Pixels around a pixel that its filtered value depends on.
    """

    keeps_strength: ClassVar[bool] = False

    def __init__(
        self, noise: str | Mapping[str, Any] | nn.Module, share: float, clip: bool, reach: int
    ) -> None:
        super().__init__()
        (self.noise,) = build_noises([noise])
        self.share = as_probability(share, "share")
        self.clip = clip
        self.reach = reach

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with the filtered noise; sigma where the filter keeps the strength."""
        # The noise goes on beyond the border, so that it is filtered alike everywhere.
        wide = padded(clean, self.reach)
        degraded = degrade(self.noise, wide, draw.generator)
        noise = degraded.noisy.float() - wide.float()
        made = self.filtered(noise, wide.float(), draw)
        if self.share < 1.0:
            made = torch.where(draw.chance(self.share), made, noise)
        sigma = degraded.sigma if self.keeps_strength else None
        if sigma is not None and sigma.shape[-2:] == wide.shape[-2:]:
            sigma = _inside(sigma, self.reach)
        return Degraded(clean + _inside(made, self.reach), sigma)

    def filtered(self, noise: Tensor, clean: Tensor, draw: Draws) -> Tensor:
        """The noise (B, C, H, W) of the clean batch, filtered."""
        raise NotImplementedError


class Coarse(Filtered):
    """Another noise, blurred by a Gaussian window without losing strength.

    Returns sigma where the other noise does. Does not clip by default.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        radius: Standard deviation of the window in pixels, or a (low, high) range from which each
            sample draws its own.
        share: Probability that the noise of a sample is blurred.
        clip: Whether to clip to [0, 1].

    Raises:
        ValueError: the argument is not a noise, radius is outside [0, 4], share outside [0, 1], or
            low > high.
        UnknownNameError: no noise has that name.
        ArgumentError: the noise was given an argument it cannot use.

    Example:
        >>> white = {"name": "gaussian", "std": 0.05}
        >>> noise = restorekit.create_noise("coarse", noise=white, radius=2)
        >>> round(float(noise(batch).sigma[0]), 3)
        0.05
    """

    keeps_strength = True

    def __init__(
        self,
        noise: str | Mapping[str, Any] | nn.Module,
        radius: float | tuple[float, float] = (0.0, 4.0),
        share: float = 1.0,
        clip: bool = False,
    ) -> None:
        interval = as_interval(radius, "radius", "in pixels", most=_WIDEST)
        super().__init__(noise, share, clip, reach_of(interval[1]))
        self.radius = interval

    def filtered(self, noise: Tensor, clean: Tensor, draw: Draws) -> Tensor:
        """Blur by a random radius for each sample."""
        return coarser(noise, draw.parameter(self.radius), self.reach)


class Smoothed(Filtered):
    """Another noise, of which a camera removed the fine part in flat areas.

    Near edges and in texture the noise stays. Coarse noise stays everywhere. Does not clip by
    default.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        radius: Standard deviation in pixels of the window below which noise is fine, or a
            (low, high) range from which each sample draws its own.
        contrast: Local contrast of the picture, on its scale, at which half of the fine noise is
            left; or a range.
        share: Probability that the noise of a sample is smoothed.
        clip: Whether to clip to [0, 1].

    Raises:
        ValueError: the argument is not a noise, radius is outside [0, 4], contrast or share outside
            [0, 1], or low > high.
        UnknownNameError: no noise has that name.
        ArgumentError: the noise was given an argument it cannot use.

    Example:
        >>> noise = restorekit.create_noise("smoothed", noise="camera")
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        noise: str | Mapping[str, Any] | nn.Module,
        radius: float | tuple[float, float] = (1.0, 2.5),
        contrast: float | tuple[float, float] = (0.005, 0.05),
        share: float = 1.0,
        clip: bool = False,
    ) -> None:
        interval = as_interval(radius, "radius", "in pixels", most=_WIDEST)
        needed = max(reach_of(interval[1]), reach_of(_DETAIL) + reach_of(_AROUND))
        super().__init__(noise, share, clip, needed)
        self.radius = interval
        self.contrast = as_interval(contrast, "contrast", "on the scale of the images")

    def filtered(self, noise: Tensor, clean: Tensor, draw: Draws) -> Tensor:
        """Remove fine noise where the picture is flat."""
        radius, contrast = draw.parameter(self.radius), draw.parameter(self.contrast)
        return smoothed_where_flat(noise, clean, radius, contrast, reach_of(self.radius[1]))


class Sharpened(Filtered):
    """Another noise after sharpening by an unsharp mask.

    Does not clip by default.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        amount: Share of the difference to the blurred noise that is added, or a (low, high) range
            from which each sample draws its own.
        radius: Standard deviation of the blur in pixels, or a range.
        share: Probability that the noise of a sample is sharpened.
        clip: Whether to clip to [0, 1].

    Raises:
        ValueError: the argument is not a noise, amount or radius is outside [0, 4], share outside
            [0, 1], or low > high.
        UnknownNameError: no noise has that name.
        ArgumentError: the noise was given an argument it cannot use.

    Example:
        >>> noise = restorekit.create_noise("sharpened", noise="camera", amount=0.8)
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        noise: str | Mapping[str, Any] | nn.Module,
        amount: float | tuple[float, float] = (0.0, 1.2),
        radius: float | tuple[float, float] = (0.6, 1.0),
        share: float = 1.0,
        clip: bool = False,
    ) -> None:
        interval = as_interval(radius, "radius", "in pixels", most=_WIDEST)
        super().__init__(noise, share, clip, reach_of(interval[1]))
        self.radius = interval
        self.amount = as_interval(amount, "amount", "a share", most=4.0)

    def filtered(self, noise: Tensor, clean: Tensor, draw: Draws) -> Tensor:
        """Amplify the fine noise."""
        amount, radius = draw.parameter(self.amount), draw.parameter(self.radius)
        return sharpened(noise, amount, radius, self.reach)


def coarser(noise: Tensor, radius: Tensor, reach: int, kept: Tensor | float = 1.0) -> Tensor:
    """Blur noise without losing strength.

    Args:
        noise: (B, C, H, W).
        radius: standard deviation of the window in pixels, (B, 1, 1, 1).
        reach: as for `blur`.
        kept: the share of the strength that is kept at least, (B, 1, 1, 1). At 0 the result is as
            weak as the blur makes it.
    """
    coarse = blur(noise, radius, reach)
    # Not at the border, where mirroring makes coarse noise stronger.
    measured = _inside(coarse, reach) if min(coarse.shape[-2:]) > 2 * reach else coarse
    weaker = root_mean_square(noise) / root_mean_square(measured).clamp(min=1e-6)
    return coarse * (kept * weaker).clamp(min=1.0)


def smoothed_where_flat(
    noise: Tensor, clean: Tensor, radius: Tensor, contrast: Tensor, reach: int
) -> Tensor:
    """Remove the fine part of noise in flat areas.

    Args:
        noise: (B, C, H, W).
        clean: the picture, (B, C, H, W).
        radius: standard deviation of the window that gives the coarse part, (B, 1, 1, 1).
        contrast: local contrast at which half of the fine part stays, (B, 1, 1, 1).
        reach: as for `blur`, of the window that gives the coarse part.
    """
    gray = brightness(clean)
    detail = (gray - _blurred_alike(gray, _DETAIL)).abs()
    slope = _blurred_alike(detail, _AROUND)
    fine = (slope / (slope + contrast).clamp(min=1e-6)).clamp(0.1, 1.0)
    coarse = blur(noise, radius, reach)
    return coarse + (noise - coarse) * fine


def sharpened(noise: Tensor, amount: Tensor, radius: Tensor, reach: int) -> Tensor:
    """Sharpen noise by an unsharp mask.

    Args:
        noise: (B, C, H, W).
        amount: share of the difference to the blurred noise that is added, (B, 1, 1, 1).
        radius: standard deviation of the blur in pixels, (B, 1, 1, 1).
        reach: as for `blur`.
    """
    return noise + amount * (noise - blur(noise, radius, reach))


def _blurred_alike(image: Tensor, radius: float) -> Tensor:
    """Blur all samples by one radius."""
    return blur(image, image.new_full((len(image), 1, 1, 1), radius), reach_of(radius))


def _inside(image: Tensor, border: int) -> Tensor:
    """The batch without its border."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border]
