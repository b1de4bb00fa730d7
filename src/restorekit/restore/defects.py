"""Damage that is no additive noise: stray black and white pixels, and the blocks of a JPEG."""

from __future__ import annotations

import torch
from torch import Tensor

_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)
# On 44 clean photographs at most 0.06% of the pixels pass for impulses, of true ones 80% do.
_FAR = 0.2
_JPEG_SIDE = 8


def impulses(plane: Tensor, sigma: float = 0.0) -> tuple[Tensor, Tensor]:
    """Pixels that are black or white and far from all that lies around them.

    At most one neighbour may be of a like value, so that a thin line or a star of several pixels
    is no impulse. Nor is what noise of `sigma` reaches by itself, beyond five of it.

    Garnett et al., A universal noise removal algorithm with an impulse detector, IEEE TIP 2005,
    rank the differences to the neighbours in this way.

    Args:
        plane: (H, W) on the [0, 1] scale.
        sigma: The standard deviation of the other noise.

    Returns:
        Their places, (N,) into the flattened plane, and (N,) the median of their neighbours that
        are neither black nor white.
    """
    width = plane.shape[1]
    inner = plane[1:-1, 1:-1]
    y, x = ((inner == 0) | (inner == 1)).nonzero(as_tuple=True)
    around = torch.stack([plane[y + 1 + dy, x + 1 + dx] for dy, dx in _AROUND], 1)
    difference = (around - plane[y + 1, x + 1][:, None]).abs()
    extreme = (around == 0) | (around == 1)
    median = around.masked_fill(extreme, torch.nan).nanmedian(1).values
    stray = difference.kthvalue(2, dim=1).values > max(_FAR, 5 * sigma)
    stray &= ~median.isnan()
    return ((y + 1) * width + x + 1)[stray], median[stray]


def blockiness(image: Tensor) -> float:
    """How much larger jumps between neighbouring pixels are on a grid of 8 than off it.

    The grid may start anywhere, so that a crop of a JPEG is recognised too.

    Args:
        image: (B, C, H, W) on the [0, 1] scale.

    Returns:
        The mean surplus of a jump on the grid, on the [0, 1] scale; 0 for images below 32x32.
    """
    if min(image.shape[-2:]) < 4 * _JPEG_SIDE:
        return 0.0
    return max(_surplus(image), _surplus(image.transpose(2, 3)))


def _surplus(image: Tensor) -> float:
    # A jump less what the slopes on both sides explain.
    a, b, c, d = (image[..., k : image.shape[-1] - 3 + k] for k in range(4))
    jump = ((b - c) - ((a - b) + (c - d)) / 2).abs().flatten(0, 2).mean(0)
    phases = torch.stack([jump[k::_JPEG_SIDE].mean() for k in range(_JPEG_SIDE)])
    return float(phases.max() - phases.median())
