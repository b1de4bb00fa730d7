"""Filling the impulses of images, so that what follows sees images without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from restorekit.errors import ArgumentError
from restorekit.estimate.surroundings import REACH
from restorekit.restore.analysis import Analysis, analyze_canvas
from restorekit.restore.canvas import Canvas
from restorekit.restore.impulse_removal.fill import filled
from restorekit.restore.impulse_removal.find import FoundImpulses, find_impulses_of

ImpulseMode = Literal["auto", "on", "off"]

_ROWS = 512  # of a band
_MEASUREMENTS = ("content", "impulses")


def check_impulses(impulses: object) -> None:
    """Check the option `impulses`.

    Raises:
        ArgumentError: it is not a mode.
    """
    modes = get_args(ImpulseMode)
    if impulses not in modes:
        raise ArgumentError(f"impulses is {', '.join(modes)}, not {impulses!r}")


@dataclass(frozen=True)
class RemovedImpulses:
    """The impulses that were removed from the images of a canvas.

    Attributes:
        images: those of each image; None if it has none.
        originals: the values that each image had there, in the order of the mask.
    """

    images: tuple[FoundImpulses | None, ...]
    originals: tuple[Tensor | None, ...]

    @property
    def share(self) -> float:
        """Share of the values of all images that were replaced."""
        return sum(each.share for each in self.images if each) / len(self.images)


@torch.no_grad()
def remove_impulses(
    canvas: Canvas, mode: ImpulseMode, analysis: Analysis | None = None
) -> RemovedImpulses | None:
    """Find the impulses of images, and fill them from the good pixels around them.

    The image of the canvas is replaced: in place if it is restored in place, else by a copy.

    Args:
        canvas: the images; nothing has been written to its result yet.
        mode: "auto" leaves out pages, line art and halftones, whose dots could be impulses.
        analysis: that of a canvas of one image, if it was analyzed already.

    Returns:
        None if there are none.
    """
    if mode == "off":
        return None
    found = [
        _find(canvas, index, mode, analysis or analyze_canvas(canvas, index, _MEASUREMENTS))
        for index in range(len(canvas.source))
    ]
    if not any(found):
        return None
    canvas.make_replaceable()
    originals = [None if each is None else _fill(canvas, i, each) for i, each in enumerate(found)]
    return RemovedImpulses(tuple(found), tuple(originals))


def _find(
    canvas: Canvas, index: int, mode: ImpulseMode, analysis: Analysis
) -> FoundImpulses | None:
    return find_impulses_of(canvas, index, analysis.impulses) if searches(mode, analysis) else None


def searches(mode: ImpulseMode, analysis: Analysis) -> bool:
    """Whether impulses of an image are looked for; dots of pages and screens could be impulses."""
    return mode == "on" or (mode == "auto" and analysis.content.kind == "photograph")


def _fill(canvas: Canvas, index: int, found: FoundImpulses) -> Tensor:
    """Fill the impulses of an image, and return the values that it had there."""
    whole, height = slice(None), canvas.size[0]
    originals = canvas.values_at(index, whole, found.mask)
    for top in range(0, height, _ROWS):
        # Rows above are filled already, but the mask tells which of their values are not used.
        first, last = max(top - REACH, 0), min(top + _ROWS, height)
        wide, inner = slice(first, last + REACH), slice(top - first, last - first)
        if not bool(found.mask[:, top:last].any()):
            continue
        image = canvas.read(slice(index, index + 1), wide, whole, torch.float32)[0].cpu()
        planes = zip(image, found.mask[:, wide], found.sigma, strict=True)
        values = torch.cat([filled(plane, mask, sigma, inner) for plane, mask, sigma in planes])
        mask, good = found.mask[:, top:last].clone(), ~values.isnan()
        mask[mask.clone()] = good
        canvas.replace_values(index, slice(top, last), mask, canvas.encode(values[good]))
    return originals


def join_removed(parts: Sequence[RemovedImpulses | None]) -> RemovedImpulses | None:
    """Join what was removed from single images."""
    if not any(parts):
        return None
    images = tuple(part.images[0] if part else None for part in parts)
    originals = tuple(part.originals[0] if part else None for part in parts)
    return RemovedImpulses(images, originals)
