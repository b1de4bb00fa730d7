"""Defects other than additive noise: black and white impulses, and JPEG blocks."""

from __future__ import annotations

import torch
from torch import Tensor

_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)
# On 44 clean photographs at most 0.06 % of the pixels are taken for impulses; 80 % of the true
# impulses are found.
_FAR = 0.2
_JPEG_SIDE = 8


def impulses(plane: Tensor, sigma: float = 0.0) -> tuple[Tensor, Tensor]:
    """Find impulses: black or white pixels that differ strongly from their neighbours.

    At most one neighbour may have a similar value, so thin lines and stars of several pixels are
    not impulses. The difference must also exceed five times `sigma`, so that strong noise is not
    taken for impulses.

    The differences to the neighbours are ranked as in Garnett et al., A universal noise removal
    algorithm with an impulse detector, IEEE TIP 2005.

    Args:
        plane: (H, W) on the [0, 1] scale.
        sigma: Standard deviation of the other noise.

    Returns:
        The indices of the impulses in the flattened plane, (N,), and for each the median of its
        neighbours that are neither black nor white, (N,).
    """
    width = plane.shape[1]
    inner = plane[1:-1, 1:-1]
    y, x = ((inner == 0) | (inner == 1)).nonzero(as_tuple=True)
    around = torch.stack([plane[y + 1 + dy, x + 1 + dx] for dy, dx in _AROUND], 1)
    difference = (around - plane[y + 1, x + 1][:, None]).abs()
    extreme = (around == 0) | (around == 1)
    median = around.masked_fill(extreme, torch.nan).nanmedian(1).values
    # The second smallest difference: one neighbour may be an impulse of the same kind.
    stray = difference.kthvalue(2, dim=1).values > max(_FAR, 5 * sigma)
    stray &= ~median.isnan()
    return ((y + 1) * width + x + 1)[stray], median[stray]


def blockiness(image: Tensor) -> float:
    """Strength of the blocks of a JPEG: how much larger steps between pixels are on a grid of 8.

    The grid may start anywhere, so that a crop of a JPEG is recognised too.

    Args:
        image: (B, C, H, W) on the [0, 1] scale.

    Returns:
        Mean excess of a step on the grid, on the [0, 1] scale; 0 for images below 32x32 pixels.
    """
    # Fewer than four blocks give no reliable mean.
    if min(image.shape[-2:]) < 4 * _JPEG_SIDE:
        return 0.0
    return max(_grid_excess(image), _grid_excess(image.transpose(2, 3)))


def _grid_excess(image: Tensor) -> float:
    # The step minus the mean of the slopes on both sides, which a smooth gradient has too.
    a, b, c, d = (image[..., k : image.shape[-1] - 3 + k] for k in range(4))
    step = ((b - c) - ((a - b) + (c - d)) / 2).abs().flatten(0, 2).mean(0)
    phases = torch.stack([step[k::_JPEG_SIDE].mean() for k in range(_JPEG_SIDE)])
    # Against the median of the phases, since texture raises all of them.
    return float(phases.max() - phases.median())
