"""The choice of the network for an image, from the analysis of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from restorekit.restore.analysis import Analysis
from restorekit.restore.coarse_noise import Scales
from restorekit.restore.safeguard.reason import Reason

MEASUREMENTS = ("content", "impulses", "noise_curve", "correlation", "noise_scales")
# Noise with a given curve is white up to this ratio of middle to high frequencies.
_MOST_CORRELATED = 1.15
# A smaller share of wrong pixels is left to the other networks.
_IMPULSIVE = 0.003
_SURE = 0.6
# Texture often hides weaker noise, which is then restored at one scale.
_STRONG = 6 / 255
# White balance makes the noise of a camera stronger in some channels, by more than this ratio.
_EVEN = 1.15
# The correlation length of luma in pixels, and its confidence, from which noise in colour pictures
# is so coarse that one scale leaves some of it. The noise of demosaicing is finer in luma.
_COARSE, _LEAST_CONFIDENCE = 0.85, 0.3
# Texture that fills a gray picture, such as grass or gravel, looks like noise of a larger length.
_COARSEST_GRAY = 1.25


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
        impulses: share of the values that were impulses and were replaced before.
    """

    model: str
    reason: str
    level: tuple[float, ...] | None = None
    scales: Scales = 1
    left_alone: Reason | None = None
    gray: Literal["restored", "averaged"] | None = None
    impulses: float = 0.0

    @property
    def settings(self) -> Choice:
        """What images that are restored together have in common."""
        return replace(self, reason="", level=None)

    @property
    def words(self) -> str:
        """The choice in one line."""
        if not self.impulses:
            return self._rest
        rest = f"left unchanged ({self.left_alone})" if self.left_alone else self._rest
        return f"impulses removed ({100 * self.impulses:.2g} % of the values), then {rest}"

    @property
    def _rest(self) -> str:
        if self.gray == "averaged":
            return "mean of the three channels, which differ by weak noise only"
        suffix = ", gray in three channels" if self.gray else ""
        return f"{self.model} for {self.reason}{suffix}"


def choose(
    analysis: Analysis, without_impulses: bool = False, curve_is_given: bool = False
) -> Choice:
    """Choose the network for an image.

    Args:
        analysis: has at least the measurements in `MEASUREMENTS`.
        without_impulses: whether its impulses have been looked for and removed, so that any left do
            not count.
        curve_is_given: whether the user gives the noise curve, which then needs no evidence.
    """
    is_gray = analysis.channels == 1 or analysis.content.is_gray
    for_white = "swift-gaussian-gray" if is_gray else "swift-gaussian"
    levels = tuple(scales[0] for scales in analysis.noise_scales.channels)
    found = f"level {255 * analysis.noise_scales.overall[0]:.1f} of 255"
    if analysis.content.kind == "halftone" and analysis.content.confidence > _SURE:
        return Choice("swift-photo", "a halftone screen", left_alone="halftone")
    if analysis.impulses.share > _IMPULSIVE and not without_impulses:
        return Choice("swift-impulse", f"{analysis.impulses.share:.1%} wrong pixels")
    if curve_is_given and _is_white(analysis):
        return Choice(for_white, "white noise with the given curve", levels)
    if analysis.noise_curve.is_trustworthy:
        return Choice(for_white, "white noise that grows with the signal", levels)
    if analysis.correlation.is_white and _is_even(levels):
        return Choice(for_white, f"white noise, {found}", levels)
    if analysis.correlation.is_white:
        return Choice("swift-photo", f"white noise that differs between channels, {found}")
    is_strong = analysis.noise_scales.overall[0] > _STRONG
    if is_strong and analysis.noise_scales.grid is not None:  # the means of the squares are white
        return Choice(for_white, f"noise in equal squares, {found}", levels, scales="auto")
    if is_strong and _is_coarse(analysis, is_gray):
        known = levels if is_gray else None
        return Choice("swift-photo", f"coarse noise, {found}", known, scales="auto")
    return Choice("swift-photo", f"coarse or weak noise, {found}")


def _is_white(analysis: Analysis) -> bool:
    """Whether noise is white, or depends on the signal and is white otherwise."""
    return analysis.correlation.is_white or analysis.noise_curve.correlation < _MOST_CORRELATED


def _is_even(levels: tuple[float, ...]) -> bool:
    """Whether noise is equally strong in all channels."""
    return max(levels) <= _EVEN * min(levels)


def _is_coarse(analysis: Analysis, is_gray: bool) -> bool:
    """Whether there surely is noise that several scales remove better than one."""
    confidence, lengths = analysis.noise_scales.confidence, analysis.correlation.luma
    if is_gray:
        return confidence > _SURE and math.prod(lengths) < _COARSEST_GRAY**2
    return confidence > _LEAST_CONFIDENCE and min(lengths) > _COARSE
