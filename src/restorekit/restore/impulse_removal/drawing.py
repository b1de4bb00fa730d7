"""Telling the dots of letters from impulses: both are lone pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.image_sample import ImageSample

# Paper covers this share of a page, and thin strokes of ink this one.
_PAPER, _INK = 0.6, 0.01
# Paper and ink differ by up to this much from their own values, and by that much from each other.
_LIKE_PAPER, _LIKE_INK, _CONTRAST = 0.05, 0.2, 0.25
_MOST_LIKE_PAPER = 0.125  # in noise
# Of strokes, most pixels have paper within this distance; of other dark areas, few have.
_THIN, _MOSTLY = 2, 0.5


def are_of_drawing(
    values: Tensor, sample: ImageSample, sigma: float, impulses: Tensor | float = 0.0
) -> Tensor:
    """Which values are those of paper or ink, if the image is a page.

    Args:
        values: the values of impulses, (N,).
        sample: of the image.
        sigma: rough standard deviation of its noise.
        impulses: the share of pixels with each value that is known not to be ink.
    """
    pieces, reach = sample.pieces, min(max(_LIKE_PAPER, 2 * sigma), _MOST_LIKE_PAPER)
    distance = (pieces - pieces.median()).abs()
    paper = (distance <= reach).float()
    if float(paper.mean()) < _PAPER:
        return torch.zeros_like(values, dtype=torch.bool)
    near_paper = functional.max_pool2d(paper, 2 * _THIN + 1, 1, _THIN) > 0
    is_other = distance > max(_CONTRAST, reach)
    ink = _count(pieces[is_other], values, _LIKE_INK)
    strokes = _count(pieces[is_other & near_paper], values, _LIKE_INK)
    is_ink = strokes / pieces.numel() - impulses > _INK
    is_ink &= strokes > _MOSTLY * ink
    return is_ink | ((values - pieces.median()).abs() <= reach)


def _count(pixels: Tensor, values: Tensor, distance: float) -> Tensor:
    """The number of pixels that differ from each value by at most a distance."""
    ordered = pixels.sort().values
    low, high = (torch.searchsorted(ordered, values + sign * distance) for sign in (-1, 1))
    return high - low
