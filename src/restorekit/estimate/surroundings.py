"""The pixels around places of a plane."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NEAR = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)
RING = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2)
AROUND = NEAR + RING
_PAIRS = 200_000
_TO_SIGMA = 0.954  # median |difference| per standard deviation: 0.6745 sqrt(2)
REACH = 2  # a square of 5 without its centre


def surroundings(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The 24 pixels around each place, in the order of `AROUND`: the 8 next to it come first.

    Args:
        plane: (H, W) of any type, with sides of at least 3 pixels; it is mirrored at its border.
        y: rows of the places, (n,).
        x: columns of the places, (n,).

    Returns:
        (n, 24).
    """
    wide = functional.pad(plane[None, None].float(), (REACH,) * 4, mode="reflect")[0, 0]
    width = wide.shape[1]
    offsets = torch.tensor([down * width + across for down, across in AROUND])
    return wide.flatten()[((y + REACH) * width + x + REACH)[:, None] + offsets]


def rough_sigma(planes: Tensor) -> float:
    """Rough standard deviation of the noise of planes (..., H, W), which impulses hardly affect.

    The median difference of pixels at a distance of two; texture counts as noise.
    """
    pairs = torch.stack([planes[..., 2:].flatten(), planes[..., :-2].flatten()])
    pairs = pairs[:, :: max(1, pairs.shape[1] // _PAIRS)]
    pairs = pairs[:, ((pairs > 0) & (pairs < 1)).all(0)]
    return float(pairs.diff(dim=0).abs().median()) / _TO_SIGMA if pairs.numel() else 0.0
