"""What can be said of a picture before it goes through a network."""

from __future__ import annotations

from functools import partial

import torch

from restorekit.restore.canvas import Canvas
from restorekit.restore.noise_estimation import CLEAN, SAMPLE
from restorekit.restore.noise_level import EstimatedLevel
from restorekit.restore.safeguard.few_values import few_values
from restorekit.restore.safeguard.guard import UNLIMITED, Guard, Verdict
from restorekit.restore.sampling import miniature

# A picture that uses less of the range has noise that a network cannot see at that scale.
_LEAST_CONTRAST = 0.25
_TAILS = 0.005  # of the values on each side do not count: hot pixels, stars


def assess(canvas: Canvas, level: EstimatedLevel | None) -> Guard:
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
            verdicts.append(UNLIMITED)
        elif level.clean[index]:
            faint = _is_faint(canvas, index, float(level.sigma[index].max()))
            verdicts.append(Verdict("faint" if faint else "clean"))
        else:
            verdicts.append(None)
    return Guard(sigma, verdicts, None if level is None else level.impulsive)


def _is_faint(canvas: Canvas, index: int, sigma: float) -> bool:
    """Whether noise is weak only on the scale of white, and not beside the picture's contrast."""
    read = partial(canvas.read, slice(index, index + 1), dtype=torch.float32)
    values = miniature(read, canvas.size, SAMPLE // 4).flatten().cpu()
    rank = max(1, int(_TAILS * len(values)))
    contrast = float(values.kthvalue(len(values) + 1 - rank).values - values.kthvalue(rank).values)
    return contrast < _LEAST_CONTRAST and sigma > CLEAN * contrast
