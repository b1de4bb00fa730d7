"""The share of a network's change that is applied, apart for luma and colour differences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.luma import luma


@dataclass(frozen=True)
class Strength:
    """The share of a change that is applied.

    The luma of a change is 0.299 R + 0.587 G + 0.114 B. It is added to each of the three channels,
    and the rest of the change is that of the colour differences, whose luma is 0.

    Attributes:
        luma: share of the change of luma, and of channels that are not colours, from 0 to 1.
        chroma: share of the change of colour differences.
    """

    luma: float = 1.0
    chroma: float = 1.0

    def of_image(self, is_colour: bool) -> Strength:
        """The strength for an image; only colour images have colour differences."""
        return self if is_colour else Strength(self.luma, self.luma)

    @property
    def is_zero(self) -> bool:
        """Whether nothing is changed."""
        return self.luma == 0 and self.chroma == 0

    @property
    def is_full(self) -> bool:
        """Whether the whole change is applied."""
        return self.luma == 1 and self.chroma == 1

    def apply(self, original: Tensor, restored: Tensor) -> Tensor:
        """Apply this share of the change.

        Args:
            original: (B, C, H, W). If both shares differ, the first three channels are red, green
                and blue.
            restored: the result of the network.
        """
        if self.is_full:
            return restored
        change = restored - original
        if self.luma == self.chroma:
            return original + self.luma * change
        brightness = luma(change[:, :3])
        colours = self.luma * brightness + self.chroma * (change[:, :3] - brightness)
        return original + torch.cat([colours, self.luma * change[:, 3:]], 1)


FULL = Strength()
