"""The choice of the network for an image, from the analysis of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from restorekit.restore.analysis import Analysis
from restorekit.restore.coarse_noise import Scales
from restorekit.restore.safeguard.reason import Reason

MEASUREMENTS = ("content", "impulses", "noise_curve", "correlation", "noise_scales")
# A smaller share of wrong pixels is left to the other networks.
_IMPULSIVE = 0.003
# Above this confidence and level, coarse noise is measured well enough for several scales. Texture
# often hides weaker noise, for which the network for photographs needs no level.
_SURE, _STRONG = 0.6, 6 / 255
# Texture that fills a gray picture, such as grass or gravel, looks like noise of a larger length in
# pixels. Only chroma, which has hardly any texture, proves such coarse noise.
_COARSEST_LUMA = 1.25


@dataclass(frozen=True)
class Choice:
    """The network and the settings for an image, and why.

    Attributes:
        model: name of the bundled weights.
        reason: what was found, in a few words.
        level: standard deviation of the noise of each channel that the network is given, on the
            [0, 1] scale; None if it works without.
        scales: the number of scales at which noise is removed.
        left_alone: why the image is not restored; None if it is.
        gray: what is done with gray whose three channels differ by noise: "restored" by the model
            and then averaged, or only "averaged" because its noise is weak; None for other images.
    """

    model: str
    reason: str
    level: tuple[float, ...] | None = None
    scales: Scales = 1
    left_alone: Reason | None = None
    gray: Literal["restored", "averaged"] | None = None

    @property
    def settings(self) -> Choice:
        """What images that are restored together have in common."""
        return replace(self, reason="", level=None)

    @property
    def words(self) -> str:
        """The choice in one line."""
        if self.gray == "averaged":
            return "mean of the three channels, which differ by weak noise only"
        suffix = ", gray in three channels" if self.gray else ""
        return f"{self.model} for {self.reason}{suffix}"


def choose(analysis: Analysis) -> Choice:
    """Choose the network for an image.

    Args:
        analysis: has at least the measurements in `MEASUREMENTS`.
    """
    is_gray = analysis.channels == 1 or analysis.content.is_gray
    for_white = "swift-gaussian-gray" if is_gray else "swift-gaussian"
    levels = tuple(scales[0] for scales in analysis.noise_scales.channels)
    found = f"level {255 * analysis.noise_scales.overall[0]:.1f} of 255"
    if analysis.content.kind == "halftone" and analysis.content.confidence > _SURE:
        return Choice("swift-photo", "a halftone screen", left_alone="halftone")
    if analysis.impulses.share > _IMPULSIVE:
        return Choice("swift-impulse", f"{analysis.impulses.share:.1%} wrong pixels")
    if analysis.noise_curve.is_trustworthy:
        return Choice(for_white, "white noise that grows with the signal", levels)
    if analysis.correlation.is_white:
        return Choice(for_white, f"white noise, {found}", levels)
    if _is_coarse(analysis) and analysis.noise_scales.overall[0] > _STRONG:
        return Choice(for_white, f"coarse noise, {found}", levels, scales="auto")
    return Choice("swift-photo", f"coarse or weak noise, {found}")


def _is_coarse(analysis: Analysis) -> bool:
    """Whether there is coarse noise beyond doubt."""
    scales, correlation = analysis.noise_scales, analysis.correlation
    if scales.grid is not None:
        return True  # equal squares are noise for certain, however much texture there is
    if correlation.chroma is not None and any(correlation.chroma):
        # One part of luma, two of chroma.
        return (scales.confidence + 2 * scales.chroma_confidence) / 3 > _SURE
    length = math.sqrt(math.prod(correlation.luma))
    return scales.confidence > _SURE and length < _COARSEST_LUMA
