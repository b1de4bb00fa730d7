"""Pages and line art: pictures of two, or of a few, values.

Their letters look like impulse noise to a network, which then erases them.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from restorekit.restore.sampling import miniature

FewValues = Literal["two-valued", "few-valued"]

_SAMPLE = 1_000_000  # pixels
_ROWS_AT_ONCE = 256
_MOST_VALUES = 16
_LEAST_PIXELS = 256  # of fewer, any picture has few values
# Noise gives neighbouring levels; the values of a page or a palette lie apart.
_LEAST_GAP = 1 / 64
# Letters with smooth edges: ink and paper cover most of the page, and are far apart.
_PAPER, _PAGE = 0.5, 0.8
_CONTRAST = 0.25
# Noise would put many pixels near the value of the paper; smooth edges of letters put few there.
_NEAR, _MOST_NEAR = 1 / 32, 0.05


def few_values(image: Tensor, span: float) -> FewValues | None:
    """What kind of page a picture is, or None where it is no page.

    Args:
        image: (C, H, W), of any type.
        span: how far white is from black in its values.

    Returns:
        "two-valued" where each channel has one or two values; "few-valued" where each has at most
        16, which lie apart, or where two values that are far apart cover at least 80 % of each
        channel and hardly any pixel is near to them without being equal.
    """
    height, width = image.shape[1:]
    thinned = image[:, :: max(1, height // 64), :: max(1, width // 64)]
    if not all(map(_may_be_page, thinned)):
        return None
    if all(map(_has_two_values, image)):
        return "two-valued"
    if height * width < _LEAST_PIXELS:
        return None
    sample = miniature(lambda rows, columns: image[:, rows, columns], (height, width), _SAMPLE)
    if all(_lie_apart(plane, span) or _is_ink_on_paper(plane, span) for plane in sample):
        return "few-valued"
    return None


def _may_be_page(plane: Tensor) -> bool:
    """Whether one value covers much of a thinned plane; cheap, and so for most photographs enough.

    A page of two values always has one that covers half, one of sixteen at least a sixteenth.
    """
    _, counts = torch.unique(_comparable(plane), return_counts=True)
    return bool(len(counts) <= _MOST_VALUES or counts.max() >= _PAPER / 2 * plane.numel())


def _has_two_values(plane: Tensor) -> bool:
    """Without sorting, which takes long for a whole page."""
    found: set[float] = set()
    for top in range(0, len(plane), _ROWS_AT_ONCE):
        band = _comparable(plane[top : top + _ROWS_AT_ONCE])
        low, high = band.min(), band.max()
        found |= {low.item(), high.item()}
        if len(found) > 2 or not bool(((band == low) | (band == high)).all()):
            return False
    return True


def _lie_apart(plane: Tensor, span: float) -> bool:
    values = torch.unique(_comparable(plane))
    return len(values) <= _MOST_VALUES and bool((values.diff() >= _LEAST_GAP * span).all())


def _is_ink_on_paper(plane: Tensor, span: float) -> bool:
    values, counts = torch.unique(_comparable(plane), return_counts=True)
    shares = counts / plane.numel()
    paper = shares.argmax()
    distance = (values - values[paper]).abs()
    far = torch.where(distance >= _CONTRAST * span, shares, 0)
    ink = far.argmax()
    if shares[paper] < _PAPER or not far[ink] or shares[paper] + shares[ink] < _PAGE:
        return False
    nearest = torch.minimum(distance, (values - values[ink]).abs())
    near = shares[(nearest > 0) & (nearest <= _NEAR * span)].sum()
    return bool(near <= _MOST_NEAR)


def _comparable(values: Tensor) -> Tensor:
    """A type that torch can sort, and in which differences have a sign."""
    return values if values.is_floating_point() else values.long()
