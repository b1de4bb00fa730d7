"""Median filter, plain and switching.

The switching form is the adaptive median filter of Hwang and Haddad, Adaptive Median Filters: New
Algorithms and Results, IEEE TIP 1995, https://doi.org/10.1109/83.370679, with the impulses told by
their exact values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.padding import check_batch
from restorekit.errors import ArgumentError

_LARGEST = 31  # pixels a side; a megapixel takes minutes
_HELD = 1 << 22  # values of windows that are held at once


class Median(nn.Module):
    """The median of the pixels around each pixel; blind, so `sigma` is ignored.

    Plain, it replaces every value. Switching, it replaces only pixels that are exactly 0 or 1, as
    salt and pepper leave them: by the median of the window around, which grows while that median
    is itself 0 or 1, by 2 pixels at a time and up to 4 more than `size`.
    Each channel is filtered on its own; the border pixels are repeated outwards.

    Reference: https://doi.org/10.1109/83.370679

    Args:
        size: Side of the square window in pixels, odd, from 3 to 31.
        switching: Replace only what salt and pepper have hit.
        per_channel: Take each value that is 0 or 1 for a hit, not only pixels all of whose
            channels are 0 or all 1. For switching alone.

    Attributes:
        size_multiple: 1, any size fits as it is.

    Raises:
        ArgumentError: `size` is even, below 3 or above 31.
    """

    def __init__(self, size: int = 3, switching: bool = False, per_channel: bool = False) -> None:
        super().__init__()
        if not 3 <= size <= _LARGEST or size % 2 == 0:
            raise ArgumentError(
                f"model 'median': argument 'size' must be odd, from 3 to {_LARGEST}, not {size}"
            )
        self.size = size
        self.switching = switching
        self.per_channel = per_channel
        self.size_multiple = 1

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`.

        Raises:
            InputError: `noisy` is not a float batch.
        """
        check_batch(noisy, None, "median")
        restored = noisy.clone()
        planes = noisy.flatten(0, 1)  # (B * C, H, W)
        if not self.switching:
            everywhere = torch.ones_like(planes, dtype=torch.bool).nonzero()
            restored.view_as(planes)[everywhere.unbind(1)] = _medians(
                planes, everywhere, self.size // 2
            )
            return restored
        hits = self._hits(noisy).flatten(0, 1).nonzero()
        for radius in range(self.size // 2, self.size // 2 + 3):
            values = _medians(planes, hits, radius)
            restored.view_as(planes)[hits.unbind(1)] = values
            hits = hits[(values <= 0.0) | (values >= 1.0)]
        return restored

    def _hits(self, noisy: Tensor) -> Tensor:
        """Where salt or pepper may be, (B, C, H, W)."""
        if self.per_channel:
            return (noisy == 0.0) | (noisy == 1.0)
        hit = (noisy == 0.0).all(1, keepdim=True) | (noisy == 1.0).all(1, keepdim=True)
        return hit.expand_as(noisy)


def _medians(planes: Tensor, places: Tensor, radius: int) -> Tensor:
    """The medians of the windows around some (plane, row, column) of (N, H, W), one a place."""
    _, height, width = planes.shape
    steps = torch.arange(-radius, radius + 1, device=planes.device)
    found = []
    count = max(_HELD // len(steps) ** 2, 1)
    for begin in range(0, len(places), count):
        plane, row, column = places[begin : begin + count].unbind(1)
        rows = (row[:, None] + steps).clamp(0, height - 1)
        columns = (column[:, None] + steps).clamp(0, width - 1)
        windows = planes[plane[:, None, None], rows[:, :, None], columns[:, None, :]]
        found.append(windows.flatten(1).median(dim=1).values)
    return torch.cat(found) if found else planes.new_empty(0)
