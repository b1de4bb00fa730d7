"""Edges that are one pixel wide, such as those of rendered letters."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_EDGE, _STEEP = 5, 0.3  # side in pixels of the window of an edge, and its least contrast
# The largest step between neighbours, relative to the contrast: between these values, the share of
# the change that is applied falls from 1 to the last one. Rendered letters have 1, and 0.9 if they
# are blurred by 0.4 pixels.
_SHARPNESS, _AT_SHARPEST = (0.6, 1.0), 0.2


def share_at_edges(restored: Tensor) -> Tensor:
    """The share of a change that is applied to each pixel, (B, 1, H, W): less at sharp edges.

    A network takes more contrast than weak noise from edges that are one pixel wide, such as those
    of rendered letters, but not from those of a scan.

    Args:
        restored: (B, C, H, W), floats on the [0, 1] scale.
    """
    brightness = restored.mean(1, keepdim=True)
    below = functional.pad(brightness.diff(dim=-2).abs(), (0, 0, 0, 1))
    across = functional.pad(brightness.diff(dim=-1).abs(), (0, 1))
    step = _largest(torch.maximum(below, across))
    contrast = _largest(brightness) + _largest(-brightness)
    sharpness = step / contrast.clamp_min(_STEEP)
    least, most = _SHARPNESS
    share = 1 - (1 - _AT_SHARPEST) * ((sharpness - least) / (most - least)).clamp(0, 1)
    return torch.where(contrast > _STEEP, share, 1.0)


def _largest(plane: Tensor) -> Tensor:
    """The largest value around each pixel."""
    return functional.max_pool2d(plane, _EDGE, 1, _EDGE // 2)
