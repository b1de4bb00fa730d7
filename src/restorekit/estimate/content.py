"""What kind of picture a sample is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from restorekit.estimate.cleanness import BLOCKY, CLEAN, LEAST_CONTRAST, TAILS
from restorekit.estimate.few_values import few_values
from restorekit.estimate.image_sample import ImageSample, is_gray_as_colour
from restorekit.estimate.jpeg import grid_of
from restorekit.estimate.screens import Screen, find_screen
from restorekit.estimate.white_noise import white_levels

Kind = Literal["photograph", "two-valued", "few-valued", "halftone"]

# On every test picture, screens of 2 to 8 pixels have at least a strength of 0.15, and photographs
# and text at most 0.125. Error diffusion has a roughness of at least 0.82, white noise 0.75.
_SCREEN, _ROUGH = 0.14, 0.78
_SCREEN_SPREAD = 0.03
# Mean of the logarithm of the values, relative to the bright end, below which light is linear. It
# separates 88 % of 104 photographs from themselves in linear light.
_LINEAR_MEAN, _LINEAR_SPREAD, _DARKEST = -1.37, 0.4, 0.004
_HIGHLIGHTS = 1.05  # values above white that noise does not explain
_VALUES = 300_000  # of which quantiles are taken
_SURE = 0.95  # a confidence from here on is not mentioned


@dataclass(frozen=True)
class Content:
    """What kind of picture it is.

    Attributes:
        kind: "two-valued" and "few-valued" are pages, line art and palettes; "halftone" is a screen
            or dither, of two values or more; "photograph" is anything else.
        confidence: of the kind, from 0 to 1.
        period: number of pixels after which a screen repeats along rows or columns; None without a
            screen.
        is_gray: whether three channels are equal, so that gray is stored as colour.
        low: the value below which 0.5 % of the values lie, on the [0, 1] scale.
        high: the value above which 0.5 % of the values lie.
        black: share of the values that are black or below.
        white: share of the values that are white or above.
        linear: confidence, from 0 to 1, that floats are linear light; 0 for integers.
        is_clean: whether there is neither noise nor JPEG blocks worth removing, relative to the
            contrast of the picture.
    """

    kind: Kind
    confidence: float
    period: float | None
    is_gray: bool
    low: float
    high: float
    black: float
    white: float
    linear: float
    is_clean: bool

    @property
    def contrast(self) -> float:
        """The part of the range that the picture uses."""
        return self.high - self.low

    @property
    def is_on_pedestal(self) -> bool:
        """Whether the picture uses less than a quarter of its range."""
        return self.contrast < LEAST_CONTRAST

    @property
    def words(self) -> str:
        """The finding in plain words."""
        period = f" of period {self.period:.1f}" if self.period else ""
        doubt = f" ({self.confidence:.0%})" if self.confidence < _SURE else ""
        parts = [f"{self.kind}{period}{doubt}"]
        parts += ["gray stored as colour"] * self.is_gray
        parts += ["clean"] * self.is_clean
        parts += [f"linear light ({self.linear:.0%})"] * (self.linear >= 0.5)
        if self.is_on_pedestal:
            parts.append(f"uses only {self.low:.1%} to {self.high:.1%} of the range")
        if max(self.black, self.white) >= 0.001:
            parts.append(f"saturated: {self.black:.1%} black, {self.white:.1%} white")
        return ", ".join(parts)


class MeasureContent:
    """Measures what kind of picture it is; the result is a `Content`.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> checkerboard = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 32, 32)
        >>> content = restorekit.create_measurement("content")(ImageSample.of(checkerboard))
        >>> content.kind, content.black
        ('halftone', 0.5)
    """

    def __call__(self, sample: ImageSample) -> Content:
        """Measure a sample."""
        pieces = sample.pieces
        values = pieces.flatten()[:: max(1, pieces.numel() // _VALUES) | 1].sort().values
        low, high = float(_quantile(values, TAILS)), float(_quantile(values, 1 - TAILS))
        kind, confidence, period = _kind(pieces, find_screen(pieces))
        return Content(
            kind=kind,
            confidence=confidence,
            period=period,
            is_gray=is_gray_as_colour(pieces.unbind(1)),
            low=low,
            high=high,
            black=float((pieces <= 0).float().mean()),
            white=float((pieces >= 1).float().mean()),
            linear=0.0 if sample.steps else _linear(values),
            is_clean=_is_clean(sample, high - low),
        )


def _kind(pieces: Tensor, screen: Screen) -> tuple[Kind, float, float | None]:
    """The kind of picture, the confidence in it, and the period of a screen."""
    image = pieces.transpose(0, 1).flatten(1, 2)
    found = few_values(image, 1.0)
    is_screen = _certainty((screen.strength - _SCREEN) / _SCREEN_SPREAD)
    if is_screen >= 0.5:
        return "halftone", is_screen, screen.period
    if found is None:
        return "photograph", 1 - is_screen, None
    if screen.roughness >= _ROUGH:
        return "halftone", 1.0, None
    return found, 1.0, None


def _linear(values: Tensor) -> float:
    """The confidence that floats are linear light."""
    if float(_quantile(values, 0.999)) > _HIGHLIGHTS:
        return 1.0
    bright = float(_quantile(values, 0.99))
    if bright <= 0:
        return 0.0
    mean = float((values.clamp_min(0) + _DARKEST).log().mean()) - math.log(bright)
    return _certainty((_LINEAR_MEAN - mean) / _LINEAR_SPREAD)


def _is_clean(sample: ImageSample, contrast: float) -> bool:
    sigma = max(white_levels(sample))
    scale = contrast if contrast < LEAST_CONTRAST else 1.0
    return sigma < CLEAN * scale and grid_of(sample).strength < BLOCKY


def _certainty(distance: float) -> float:
    """From 0 to 1, 0.5 at a distance of 0."""
    return 1 / (1 + math.exp(-2 * max(-20.0, min(20.0, distance))))


def _quantile(ordered: Tensor, share: float) -> Tensor:
    return ordered[round(share * (len(ordered) - 1))]
