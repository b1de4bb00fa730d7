"""Noise that the channels of a colour picture share: film grain, monochromatic or smoothed noise.

A colour network takes it for texture, because channels share that too. In the mean of the channels
it is removed as in a gray picture, and the colour is kept.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from restorekit.restore.analysis import Analysis
from restorekit.restore.canvas import Canvas
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import OpenedImage
from restorekit.restore.value_scale import Scale

# Least level of luma, which is the square root of three times that of a channel, and the largest
# ratio of the level of chroma to it.
_LEAST, _MOST_CHROMA = 5 / 255, 0.3
# The same ratio for averages over squares of 4x4 pixels. JPEG with half of the resolution of colour
# leaves coarse noise in chroma (0.37 to 0.77), which restoring luma would keep; shared noise has at
# most 0.34, which is detail.
_COARSE, _MOST_COARSE_CHROMA = 2, 0.35
_ROWS = 512  # of a band, to save memory


def may_share_noise(canvas: Canvas, analysis: Analysis) -> bool:
    """Whether what looks like noise is in luma only; it may be texture.

    Args:
        canvas: one image.
        analysis: of the image.
    """
    scales = analysis.noise_scales
    if canvas.source.shape[1] != 3 or not canvas.is_colour or canvas.is_neutral:
        return False
    return (
        scales.luma[0] > _LEAST
        and scales.chroma[0] < _MOST_CHROMA * scales.luma[0]
        and scales.chroma[_COARSE] < _MOST_COARSE_CHROMA * scales.luma[_COARSE]
    )


def luma_job(job: ImageJob) -> ImageJob:
    """A job for the mean of the channels of an image."""
    canvas = job.canvas
    luma = torch.empty(1, 1, *canvas.size, device=canvas.source.device)
    for rows in _bands(canvas):
        luma[:, :, rows] = canvas.read_rows(rows).mean(1, keepdim=True)
    scale = Scale(white=1.0, low=canvas.scale.low, high=canvas.scale.high)
    gray = Canvas(luma, torch.empty_like(luma), scale)
    return ImageJob(OpenedImage(gray, lambda: None), job.precision, searched=True, is_luma=True)


def finish_luma(job: ImageJob, luma: ImageJob) -> None:
    """Write an image with the luma that was restored, and record how."""
    canvas, gray = job.canvas, luma.canvas
    for rows in _bands(canvas):
        change = gray.result[:, :, rows] - gray.source[:, :, rows]
        canvas.write(slice(None), rows, canvas.encode(canvas.read_rows(rows) + change))
    job.model, job.precision, job.tile = luma.model, luma.precision, luma.tile
    job.shares, job.guard, job.level = luma.shares, luma.guard, luma.level
    if job.guard is not None:
        job.guard.sigma = job.guard.sigma.expand(-1, 3)
    if job.level is not None and luma.analysis is not None:
        # The estimate for white noise is too low for coarse grain.
        least = luma.analysis.noise_scales.overall[0]
        sigma = job.level.sigma.clamp(min=least).expand(-1, 3, -1, -1)
        job.level = replace(job.level, sigma=sigma)


def _bands(canvas: Canvas) -> list[slice]:
    height = canvas.size[0]
    return [slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS)]
