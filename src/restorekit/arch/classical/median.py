"""Median filter, plain and switching.

The switching form is the adaptive median filter of Hwang and Haddad, Adaptive Median Filters: New
Algorithms and Results, IEEE TIP 1995, https://doi.org/10.1109/83.370679. Impulses are recognised by
their exact values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.padding import check_batch, check_window

_SORTED = (3, 5)  # sizes of windows that kornia sorts by a fixed network, on a CPU
_LARGEST = 31  # pixels a side; a megapixel takes minutes then
_CHUNK = 1 << 22  # window values that are in memory at once, 16 MB


class Median(nn.Module):
    """The median of the window around each pixel. Blind: `sigma` is ignored.

    The plain form replaces every value. The switching form replaces only pixels that are exactly 0
    or 1, the values of salt-and-pepper noise, by the median of the window around them. If that
    median is 0 or 1 as well, the window grows by 2 pixels, at most to `size` + 4.
    Each channel is filtered separately; border pixels are repeated outwards.

    Reference: https://doi.org/10.1109/83.370679

    Args:
        size: Side of the square window in pixels, odd, from 3 to 31.
        switching: Replace only pixels that salt-and-pepper noise has hit.
        per_channel: With `switching`, treat each value of 0 or 1 as an impulse, not only pixels
            whose channels are all 0 or all 1.

    Attributes:
        size_multiple: 1, since any height and width is accepted.

    Raises:
        ArgumentError: `size` is even, below 3 or above 31.

    Example:
        >>> image = torch.full((1, 1, 5, 5), 0.5)
        >>> image[0, 0, 2, 2] = 1.0
        >>> restored = restorekit.create_model("median", switching=True)(image)
        >>> float(restored.min()), float(restored.max())
        (0.5, 0.5)
    """

    def __init__(self, size: int = 3, switching: bool = False, per_channel: bool = False) -> None:
        super().__init__()
        check_window("median", size, _LARGEST)
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
            The restored batch, (B, C, H, W), in the dtype of `noisy`.

        Raises:
            InputError: `noisy` is not a float batch.
        """
        check_batch(noisy, None, "median")
        if not self.switching and self.size in _SORTED and noisy.device.type == "cpu":
            return _sorted_medians(noisy, self.size)
        # In rows, so that its planes are views; tiles come with the channels last.
        restored = noisy.clone(memory_format=torch.contiguous_format)
        planes = noisy.flatten(0, 1)  # (B * C, H, W)
        if not self.switching:
            everywhere = torch.ones_like(planes, dtype=torch.bool).nonzero()
            restored.view_as(planes)[everywhere.unbind(1)] = _medians(
                planes, everywhere, self.size // 2
            )
            return restored
        impulses = self._impulses(noisy).flatten(0, 1).nonzero()
        for radius in range(self.size // 2, self.size // 2 + 3):
            values = _medians(planes, impulses, radius)
            restored.view_as(planes)[impulses.unbind(1)] = values
            # A median of 0 or 1 is probably an impulse as well: try a larger window there.
            impulses = impulses[(values <= 0.0) | (values >= 1.0)]
        return restored

    def _impulses(self, noisy: Tensor) -> Tensor:
        """A mask of the values that may be impulses, (B, C, H, W)."""
        if self.per_channel:
            return (noisy == 0.0) | (noisy == 1.0)
        mask = (noisy == 0.0).all(1, keepdim=True) | (noisy == 1.0).all(1, keepdim=True)
        return mask.expand_as(noisy)


def _sorted_medians(noisy: Tensor, size: int) -> Tensor:
    """The median of the window around each pixel, ten times as fast as by `_medians`."""
    from kornia.filters import median_blur  # takes half a second, which other forms do not need

    radius = size // 2
    # Continued here, since kornia 0.8 continues with zeros.
    wide = functional.pad(noisy, (radius,) * 4, "replicate")
    medians: Tensor = median_blur(wide, size)
    return medians[..., radius:-radius, radius:-radius].contiguous()


def _medians(planes: Tensor, positions: Tensor, radius: int) -> Tensor:
    """The median of the window around each of (N, 3) positions: plane, row, column."""
    _, height, width = planes.shape
    offsets = torch.arange(-radius, radius + 1, device=planes.device)
    medians = []
    chunk = max(_CHUNK // len(offsets) ** 2, 1)
    for begin in range(0, len(positions), chunk):
        plane, row, column = positions[begin : begin + chunk].unbind(1)
        rows = (row[:, None] + offsets).clamp(0, height - 1)
        columns = (column[:, None] + offsets).clamp(0, width - 1)
        windows = planes[plane[:, None, None], rows[:, :, None], columns[:, None, :]]
        medians.append(windows.flatten(1).median(dim=1).values)
    return torch.cat(medians) if medians else planes.new_empty(0)
