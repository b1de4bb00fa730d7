"""What can be said of a picture before it goes through a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from restorekit.restore.canvas import Canvas
from restorekit.restore.defects import impulses
from restorekit.restore.estimate import CLEAN, FEWEST_IMPULSES, SAMPLE
from restorekit.restore.noise_level import NoiseLevel, looks_clean
from restorekit.restore.safeguard.few_values import few_values
from restorekit.restore.safeguard.guard import FREE, Guard, Verdict
from restorekit.restore.sampling import miniature

# A picture that uses less of the range has noise that a network cannot see at that scale.
_LEAST_CONTRAST = 0.25
_TAILS = 0.005  # of the values on each side do not count: hot pixels, stars


def assess(canvas: Canvas, level: NoiseLevel | None) -> Guard:
    """The guard of a canvas.

    Args:
        canvas: one picture or several of a batch.
        level: their estimated noise; None where the level is given, so that the change need not be
            limited by an estimate.
    """
    images = canvas.source
    sigma = torch.zeros(len(images), 1) if level is None else level.sigma.flatten(1)
    verdicts: list[Verdict | None] = []
    for index, image in enumerate(images):
        if (page := few_values(image, abs(canvas.scale.span))) is not None:
            verdicts.append(Verdict(page))
        elif level is None:
            verdicts.append(FREE)
        else:
            alone = NoiseLevel(level.sigma[index : index + 1])
            verdicts.append(_by_level(canvas, slice(index, index + 1), alone))
    return Guard(sigma, verdicts)


def _by_level(canvas: Canvas, sample: slice, level: NoiseLevel) -> Verdict | None:
    read = partial(canvas.read, sample, dtype=torch.float32)
    picture = miniature(read, canvas.size, SAMPLE // 4)[0].cpu()
    if looks_clean(canvas, level, sample):
        return Verdict("faint" if _is_faint(picture, float(level.sigma.max())) else "clean")
    return FREE if _has_impulses(picture, level.sigma.flatten().tolist()) else None


def _is_faint(picture: Tensor, sigma: float) -> bool:
    """Whether noise is weak only on the scale of white, and not beside the picture's contrast."""
    values = picture.flatten()
    rank = max(1, int(_TAILS * len(values)))
    contrast = float(values.kthvalue(len(values) + 1 - rank).values - values.kthvalue(rank).values)
    return contrast < _LEAST_CONTRAST and sigma > CLEAN * contrast


def _has_impulses(picture: Tensor, sigma: Sequence[float]) -> bool:
    return any(
        len(impulses(plane, level)[0]) > FEWEST_IMPULSES * plane.numel()
        for plane, level in zip(picture, sigma, strict=True)
    )
