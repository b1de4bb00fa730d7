"""The eight symmetries of a square: flips and rotations by 90 degrees."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """One symmetry: reverse rows, columns or both, then perhaps transpose.

    Attributes:
        swap: whether rows and columns are exchanged.
        down: whether the order of the original rows is reversed.
        across: whether the order of the original columns is reversed.
    """

    swap: bool = False
    down: bool = False
    across: bool = False

    def apply(self, x: Tensor) -> Tensor:
        """Transform an image (..., H, W)."""
        reversed_axes = [axis for axis, reverse in ((-2, self.down), (-1, self.across)) if reverse]
        x = x.flip(reversed_axes) if reversed_axes else x
        return x.mT if self.swap else x

    def undo(self, x: Tensor) -> Tensor:
        """Invert `apply`."""
        x = x.mT if self.swap else x
        reversed_axes = [axis for axis, reverse in ((-2, self.down), (-1, self.across)) if reverse]
        return x.flip(reversed_axes) if reversed_axes else x


IDENTITY = (Symmetry(),)
# Those that keep the shape of an image come first; index = 4 * swap + 2 * down + across.
ALL_SYMMETRIES = tuple(
    Symmetry(swap, down, across)
    for swap in (False, True)
    for down in (False, True)
    for across in (False, True)
)
