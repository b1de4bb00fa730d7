"""The assessment of a picture before it goes through a network."""

from __future__ import annotations

from functools import partial

import torch

from restorekit.estimate.cleanness import CLEAN, LEAST_CONTRAST, TAILS
from restorekit.estimate.few_values import few_values
from restorekit.restore.canvas import Canvas
from restorekit.restore.noise_estimation import SAMPLE
from restorekit.restore.noise_level import EstimatedLevel
from restorekit.restore.safeguard.guard import UNLIMITED, Guard, Verdict, curve_verdict
from restorekit.restore.stabilization.stabilizer import Stabilizer
from restorekit.sampling import miniature


def assess(
    canvas: Canvas, level: EstimatedLevel | None, stabilizer: Stabilizer | None = None
) -> Guard:
    """Make the guard of a canvas.

    Args:
        canvas: one picture, or several of a batch.
        level: their estimated noise; None if the user gives the level, in which case the change is
            not limited.
        stabilizer: the transforms of images of which the noise curve is known.
    """
    images = canvas.source
    sigma = torch.zeros(len(images), 1) if level is None else level.sigma.flatten(1)
    verdicts: list[Verdict | None] = []
    for index, image in enumerate(images):
        transform = None if stabilizer is None else stabilizer.images[index]
        by_curve = None
        if transform is not None and transform.source == "trustworthy":
            by_curve = curve_verdict(transform.curve, transform.sigma)
        if (page_kind := few_values(image, abs(canvas.scale.span))) is not None:
            verdicts.append(Verdict(page_kind))
        elif level is None or (transform and transform.source == "given"):
            verdicts.append(UNLIMITED)
        elif level.clean[index] and by_curve is None:
            faint = _is_faint(canvas, index, float(level.sigma[index].max()))
            verdicts.append(Verdict("faint" if faint else "clean"))
        else:
            verdicts.append(by_curve)
    return Guard(sigma, verdicts, None if level is None else level.impulsive)


def _is_faint(canvas: Canvas, index: int, sigma: float) -> bool:
    """Whether noise is weak relative to white, but not relative to the contrast of the picture."""
    read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
    values = miniature(read, canvas.size, SAMPLE // 4).flatten().cpu()
    rank = max(1, int(TAILS * len(values)))
    contrast = float(values.kthvalue(len(values) + 1 - rank).values - values.kthvalue(rank).values)
    return contrast < LEAST_CONTRAST and sigma > CLEAN * contrast
