"""The choice of the scales at which an image is restored, by its measured noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import torch

from restorekit.components.kinds import measurements
from restorekit.errors import ArgumentError
from restorekit.estimate.cleanness import CLEAN
from restorekit.restore.analysis import Analysis, image_sample
from restorekit.restore.canvas import Canvas
from restorekit.restore.noise_level import EstimatedLevel, NoiseLevel
from restorekit.restore.several_scales import ScaleShares

if TYPE_CHECKING:
    from restorekit.estimate.noise_scales import NoiseScales

Scales = Literal["auto", 1, 2, 3, 4]

# Noise is coarse at a scale if a larger share of its level is left there; of white noise, half is.
_COARSE = 0.62
_LEAST_CONFIDENCE = 0.4
# From this level at 2x on, a picture is not called clean. Clean photographs measure up to 4/255,
# luma grain of 12/255 that was blurred by 2 pixels up to 20/255, if it is measured at all.
_UNCLEAR = 4 / 255


def check_scales(scales: object) -> None:
    """Check the option `scales`.

    Raises:
        ArgumentError: it is neither "auto" nor a number of scales.
    """
    if isinstance(scales, bool) or scales not in get_args(Scales):
        raise ArgumentError(f"scales is 'auto' or a number from 1 to 4, not {scales!r}")


class CoarseNoise:
    """The measured noise of the images of a canvas at several scales.

    Args:
        canvas: the images.
        analysis: that of a canvas of one image, if its noise was measured already.
    """

    def __init__(self, canvas: Canvas, analysis: Analysis | None = None) -> None:
        measure = measurements.create("noise_scales")
        self.found: list[NoiseScales] = (
            [measure(image_sample(canvas, index)) for index in range(len(canvas.source))]
            if analysis is None
            else [analysis.noise_scales]
        )

    def count(self, scales: Scales) -> int:
        """The number of scales to restore at; for "auto" none too many for any of the images."""
        return min(map(_count, self.found)) if scales == "auto" else scales

    def shares(self, count: int) -> ScaleShares:
        """The share of the noise to remove at each of a number of scales."""
        grids = {each.grid for each in self.found}
        grid = grids.pop() if len(grids) == 1 else None
        return ScaleShares.of([each.overall for each in self.found], count, grid)

    def improved(self, level: NoiseLevel | None) -> NoiseLevel | None:
        """The level, if it was estimated, with the coarse noise that the estimate misses."""
        if not isinstance(level, EstimatedLevel):
            return level
        levels = torch.tensor([[channel[0] for channel in each.channels] for each in self.found])
        measured = levels[:, :, None, None].to(level.sigma)
        # The estimate takes equal squares for white noise, of a level that depends on the grid.
        has_grid = torch.tensor([each.grid is not None for each in self.found])
        is_wrong = has_grid[:, None, None, None].to(level.sigma.device)
        sigma = torch.where(is_wrong, measured, torch.maximum(level.sigma, measured))
        clean = tuple(
            was and bool((each < CLEAN).all())
            for was, each in zip(level.clean, levels, strict=True)
        )
        return replace(level, sigma=sigma, clean=clean)


def may_have_coarse_noise(analysis: Analysis | None) -> bool:
    """Whether coarse noise was measured, even if it could be texture."""
    return analysis is not None and analysis.noise_scales.overall[1] > _UNCLEAR


def _count(noise: NoiseScales) -> int:
    """The scale up to which noise is coarse."""
    # Equal squares are noise for certain, however much texture there is.
    confidence = max(noise.confidence, noise.chroma_confidence)
    if confidence < _LEAST_CONFIDENCE and noise.grid is None:
        return 1
    levels, count = noise.overall, 1
    while count < len(levels) and levels[count] > _COARSE * levels[count - 1]:
        count += 1
    return count
