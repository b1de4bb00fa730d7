"""The window in which the safeguard compares a change with the noise."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

RADIUS = 8  # in pixels


def window_mean(values: Tensor) -> Tensor:
    """Mean of (B, C, H, W) over square windows, which are smaller at the border."""
    side = 2 * RADIUS + 1
    # A square window is separable: two passes cost 2 * side instead of side^2.
    for kernel, padding in (((side, 1), (RADIUS, 0)), ((1, side), (0, RADIUS))):
        values = functional.avg_pool2d(values, kernel, 1, padding, count_include_pad=False)
    return values
