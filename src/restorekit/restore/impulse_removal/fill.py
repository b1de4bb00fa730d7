"""Filling impulses from the good pixels around them."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.estimate.surroundings import AROUND, surroundings

# Pixels on opposite sides: below and above, right and left, and the two diagonals.
_PAIRS = tuple((AROUND.index((y, x)), AROUND.index((-y, -x))) for y, x in ((1, 0), (0, 1)))
_DIAGONALS = tuple((AROUND.index((y, x)), AROUND.index((-y, -x))) for y, x in ((1, 1), (1, -1)))
_LEAST_DIFFERENCE = 2 / 255
_FALLOFF = 1.5  # weights fall as this power of the squared distance
_AT_ONCE = 400_000  # places, to limit the memory


def filled(plane: Tensor, impulses: Tensor, sigma: float, rows: slice) -> Tensor:
    """Values for the impulses of a plane.

    They are interpolated between opposite neighbours, in the directions in which these are alike,
    so that edges stay sharp. Where no pair is good, they are means of the good pixels around.

    Args:
        plane: (H, W) on the [0, 1] scale, with sides of at least 3 pixels.
        impulses: mask (H, W).
        sigma: rough standard deviation of the other noise, below which no difference counts.
        rows: the rows to fill.

    Returns:
        (N,), in the order of `plane[rows][impulses[rows]]`; NaN where all pixels around are
        impulses.
    """
    down, across = impulses[rows].nonzero(as_tuple=True)
    values = [
        _values(plane, impulses, y + rows.start, x, sigma)
        for y, x in zip(down.split(_AT_ONCE), across.split(_AT_ONCE), strict=True)
    ]
    return torch.cat(values) if values else plane.new_empty(0)


def _values(plane: Tensor, impulses: Tensor, y: Tensor, x: Tensor, sigma: float) -> Tensor:
    around = surroundings(plane, y, x)
    good = 1 - surroundings(impulses, y, x)
    least = _LEAST_DIFFERENCE**2 + 2 * sigma**2
    total, weights = torch.zeros_like(around[:, 0]), torch.zeros_like(around[:, 0])
    for pairs, distance in ((_PAIRS, 1), (_DIAGONALS, 2)):
        for one, other in pairs:
            first, second = around[:, one], around[:, other]
            weight = good[:, one] * good[:, other] / distance
            weight = weight / ((first - second).square() + least)
            total, weights = total + weight * (first + second) / 2, weights + weight
    squares = torch.tensor([float(y * y + x * x) for y, x in AROUND])
    each = good / squares**_FALLOFF
    mean = (each * around).sum(1) / each.sum(1)  # NaN without any good pixel
    return torch.where(weights > 0, total / weights, mean)
