"""Floats that are written as integers: how much of them is lost beyond black and white."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restorekit.data.picture import Picture

_ROWS_AT_ONCE = 256
_LEVEL = 1 / 255  # by which a value leaves [0, 1] to be seen
_SHARE = 1e-4  # of the pixels; fewer are not worth a word


@dataclass
class Clipping:
    """The pixels of a file's pages that are clearly brighter than white, or darker than black."""

    pixels: int = 0
    bright: int = 0
    dark: int = 0

    def add(self, picture: Picture) -> None:
        """Count a page; of integers there is nothing to count but their number."""
        values = picture.pixels
        self.pixels += values.shape[0] * values.shape[1]
        if values.dtype.kind != "f":
            return
        for top in range(0, len(values), _ROWS_AT_ONCE):
            band = values[top : top + _ROWS_AT_ONCE]
            self.bright += int(np.count_nonzero(band.max(axis=2) > 1 + _LEVEL))
            self.dark += int(np.count_nonzero(band.min(axis=2) < -_LEVEL))

    @property
    def words(self) -> str | None:
        """What is lost, as in "2.5 % of the pixels are brighter than white"; None for nothing."""
        counts = ((self.bright, "brighter than white"), (self.dark, "darker than black"))
        told = [
            f"{100 * count / self.pixels:.2g} % of the pixels are {kind}"
            for count, kind in counts
            if count and count >= _SHARE * self.pixels
        ]
        return " and ".join(told) or None
