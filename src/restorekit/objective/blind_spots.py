"""Hiding pixels of an image behind values of their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.errors import InputError


def lattice(images: Tensor, spacing: int, row: int, column: int) -> Tensor:
    """True for the pixels of a square lattice in images (..., H, W); `row` and `column` are its
    first ones."""
    rows, columns = (
        torch.arange(side, device=images.device).remainder(spacing) == first
        for side, first in zip(images.shape[-2:], (row, column), strict=True)
    )
    return rows[:, None] & columns


def widened(spots: Tensor, across: int, down: int) -> Tensor:
    """The spots (H, W) and the pixels on both sides of them, `across` in the row, `down` in the
    column."""
    wide = spots.clone()
    for axis, extent in ((1, across), (0, down)):
        for shift in range(1, extent + 1):
            length = max(spots.shape[axis] - shift, 0)
            ahead = spots.narrow(axis, 0, length)
            back = spots.narrow(axis, spots.shape[axis] - length, length)
            wide.narrow(axis, spots.shape[axis] - length, length).logical_or_(ahead)
            wide.narrow(axis, 0, length).logical_or_(back)
    return wide


def hide(
    image: Tensor, hidden: Tensor, radius: int, generator: torch.Generator, *, median: bool
) -> Tensor:
    """The image with hidden pixels replaced by values of neighbours that are not hidden.

    No hidden pixel has an influence on the result. All channels of a pixel are hidden together.

    Args:
        image: (C, H, W).
        hidden: (H, W), True for the pixels to replace, on the device of the image.
        radius: neighbours are at most this many rows and columns away.
        generator: chooses a neighbour for each pixel.
        median: whether the median of the neighbours is used instead.

    Raises:
        InputError: a pixel has no such neighbour.
    """
    device = image.device
    size = torch.tensor(hidden.shape, device=device)
    steps = torch.arange(-radius, radius + 1, device=device)
    offsets = torch.cartesian_prod(steps, steps)
    points = hidden.nonzero()
    near = points[:, None] + offsets
    inside = ((near >= 0) & (near < size)).all(-1)
    rows, columns = near.clamp(torch.zeros_like(size), size - 1).unbind(-1)
    usable = inside & ~hidden[rows, columns]
    if not usable.any(1).all():
        raise InputError(
            f"an image of {hidden.shape[0]}x{hidden.shape[1]} pixels is too small for blind spots: "
            "a pixel has no neighbour that is not hidden"
        )
    values = image[:, rows, columns]  # (C, hidden pixels, neighbours)
    if median:
        chosen = values.masked_fill(~usable, torch.nan).nanmedian(-1).values
    else:
        chance = torch.rand(usable.shape, generator=generator, device=device)
        pick = chance.masked_fill(~usable, -1).argmax(1)
        chosen = values.gather(2, pick.expand(len(image), -1)[..., None])[..., 0]
    result = image.clone()
    result[:, points[:, 0], points[:, 1]] = chosen
    return result
