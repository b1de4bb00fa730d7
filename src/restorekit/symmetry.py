"""The eight flips and quarter turns of an image."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """One of them: first rows and columns are swapped or not, then each is reversed or not.

    Attributes:
        swap: exchange rows and columns.
        down: reverse what the rows of the original are.
        across: reverse what its columns are.
    """

    swap: bool = False
    down: bool = False
    across: bool = False

    def apply(self, x: Tensor) -> Tensor:
        """The image (.., H, W) turned."""
        reversed_axes = [axis for axis, is_so in ((-2, self.down), (-1, self.across)) if is_so]
        x = x.flip(reversed_axes) if reversed_axes else x
        return x.mT if self.swap else x

    def undo(self, x: Tensor) -> Tensor:
        """What `apply` was given."""
        x = x.mT if self.swap else x
        reversed_axes = [axis for axis, is_so in ((-2, self.down), (-1, self.across)) if is_so]
        return x.flip(reversed_axes) if reversed_axes else x


IDENTITY = (Symmetry(),)
# Those that keep the shape of an image come first; index = 4 * swap + 2 * down + across.
ALL_SYMMETRIES = tuple(
    Symmetry(swap, down, across)
    for swap in (False, True)
    for down in (False, True)
    for across in (False, True)
)
