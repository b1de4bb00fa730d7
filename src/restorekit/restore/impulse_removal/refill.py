"""Filling impulse noise by a network that was trained for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from restorekit.restore.canvas import Canvas
from restorekit.restore.impulse_removal.find import FoundImpulses
from restorekit.restore.impulse_removal.remove import RemovedImpulses

_ROWS = 512  # of a band
# Black and white values that the network changes by more are impulses.
_CHANGED = 0.03


def refill(
    canvas: Canvas, removed: RemovedImpulses, restore: Callable[[Canvas], None]
) -> RemovedImpulses:
    """Replace impulses by what a network makes of them; everything else stays.

    A network that sees the impulses themselves also finds those that no rule finds.

    Args:
        canvas: one image, from which impulses have been removed.
        removed: those impulses.
        restore: runs the network on a canvas.
    """
    found, originals = removed.images[0], removed.originals[0]
    if found is None or originals is None:
        return removed
    whole = slice(None)
    canvas.replace_values(0, whole, found.mask, originals)
    aside = replace(canvas, result=torch.empty_like(canvas.source), kept=None)
    restore(aside)
    mask = torch.zeros_like(found.mask)
    for top in range(0, canvas.size[0], _ROWS):
        rows = slice(top, top + _ROWS)
        image = canvas.read(whole, rows, whole, torch.float32)[0]
        made = aside.reread(whole, rows, whole, torch.float32)[0]
        mask[:, rows] = ((image <= 0) | (image >= 1)) & ((made - image).abs() > _CHANGED)
    originals = canvas.values_at(0, whole, mask)
    made_values = replace(aside, source=aside.result).values_at(0, whole, mask)
    canvas.replace_values(0, whole, mask, made_values)
    again = FoundImpulses(mask, found.sigma, found.is_noise, found.are_exact)
    return RemovedImpulses((again,), (originals,))
