"""Recognising pages, line art and palettes: pictures with two or a few distinct values.

Their letters resemble impulse noise, and a network would erase them.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from restorekit.sampling import miniature

FewValues = Literal["two-valued", "few-valued"]

_SAMPLE = 1_000_000  # pixels
_ROWS_AT_ONCE = 256
_MOST_VALUES = 16
_LEAST_PIXELS = 256  # with fewer pixels, any picture has few values
# Noise produces neighbouring levels; the values of a page or a palette are farther apart.
_LEAST_GAP = 1 / 64
# Letters with smooth edges: paper covers at least half, paper and ink together most of the page,
# and the two values are far apart.
_PAPER, _PAGE = 0.5, 0.8
_CONTRAST = 0.25
# With noise, many pixels are close to the value of the paper; smooth edges give only few.
_NEAR, _MOST_NEAR = 1 / 32, 0.05
_MOST_IN_PALETTE, _PALETTE_SAMPLE = 64, 60_000


def few_values(image: Tensor, span: float) -> FewValues | None:
    """Recognise a page or line art.

    Args:
        image: (C, H, W), of any type.
        span: difference between white and black.

    Returns:
        "two-valued" if each channel has one or two values. "few-valued" if each has at most 16 that
        are not neighbours, or if two distant values cover at least 80 % of each channel and hardly
        any other pixel is close to them. None otherwise.
    """
    height, width = image.shape[1:]
    # About 64x64 pixels decide for most photographs.
    subsampled = image[:, :: max(1, height // 64), :: max(1, width // 64)]
    if not all(map(_may_be_page, subsampled)):
        return None
    if all(map(_has_two_values, image)):
        return "two-valued"
    if height * width < _LEAST_PIXELS:
        return None
    sample = miniature(lambda rows, columns: image[:, rows, columns], (height, width), _SAMPLE)
    return "few-valued" if all(_is_page(plane, span) for plane in sample) else None


def palette_gap(image: Tensor, steps: int) -> float | None:
    """The largest gap between the values of a picture with a palette, dithered or not.

    Args:
        image: (C, ...), floats on the [0, 1] scale; a sample of it is examined.
        steps: the number of steps between the values of black and white.

    Returns:
        0 for up to three values. None if a channel has more than 64, or if most are neighbours, as
        in a photograph and in noise.
    """
    largest = 0.0
    for plane in image.flatten(1):
        values = torch.unique(plane[:: max(1, len(plane) // _PALETTE_SAMPLE) | 1])
        gaps = values.diff()
        if len(values) > _MOST_IN_PALETTE or float((gaps <= 1.5 / steps).sum()) > len(gaps) / 2:
            return None
        if len(values) > 3:
            largest = max(largest, float(gaps.max()))
    return largest


def _may_be_page(plane: Tensor) -> bool:
    """Cheap test on a subsampled channel that rejects most photographs.

    A page has at most 16 values, or one value that covers much of it.
    """
    _, counts = torch.unique(_comparable(plane), return_counts=True)
    return bool(len(counts) <= _MOST_VALUES or counts.max() >= _PAPER / 2 * plane.numel())


def _has_two_values(plane: Tensor) -> bool:
    """Whether a channel has at most two values; without sorting, which is slow for a whole page."""
    found: set[float] = set()
    for top in range(0, len(plane), _ROWS_AT_ONCE):
        band = _comparable(plane[top : top + _ROWS_AT_ONCE])
        low, high = band.min(), band.max()
        found |= {low.item(), high.item()}
        if len(found) > 2 or not bool(((band == low) | (band == high)).all()):
            return False
    return True


def _is_page(plane: Tensor, span: float) -> bool:
    values, counts = torch.unique(_comparable(plane), return_counts=True)
    if len(values) <= _MOST_VALUES and bool((values.diff() >= _LEAST_GAP * span).all()):
        return True
    return _is_ink_on_paper(values, counts / plane.numel(), span)


def _is_ink_on_paper(values: Tensor, shares: Tensor, span: float) -> bool:
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
    """Convert to a signed type, which torch can sort and subtract."""
    return values if values.is_floating_point() else values.long()
