"""Pixels that integers cannot represent: outside black and white, or without a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import to_unit

_ROWS_AT_ONCE = 256
_LEVEL = 1 / 255  # by which a value leaves [0, 1] to be seen
_SHARE = 1e-4  # of the pixels; fewer are not worth a word


@dataclass
class Clipping:
    """The pixels of a file's pages that are clearly brighter than white, or darker than black."""

    pixels: int = 0
    bright: int = 0
    dark: int = 0
    empty: int = 0

    def add(self, picture: Picture) -> None:
        """Count a page; of uint8 and uint16 there is nothing to count but their number."""
        values = picture.pixels
        self.pixels += values.shape[0] * values.shape[1]
        if values.dtype in (np.uint8, np.uint16):
            return
        for top in range(0, len(values), _ROWS_AT_ONCE):
            band = to_unit(values[top : top + _ROWS_AT_ONCE], picture.white, picture.black)
            self.bright += int(np.count_nonzero((band > 1 + _LEVEL).any(axis=2)))
            self.dark += int(np.count_nonzero((band < -_LEVEL).any(axis=2)))
            self.empty += int(np.count_nonzero(np.isnan(band).any(axis=2)))

    @property
    def words(self) -> str | None:
        """The loss, for example "2.5 % of the pixels are brighter than white", or None."""
        counts = (
            (self.bright, _SHARE, "brighter than white"),
            (self.dark, _SHARE, "darker than black"),
            (self.empty, 0, "without a value (NaN)"),
        )
        losses = [
            f"{100 * count / self.pixels:.2g} % of the pixels are {kind}"
            for count, least, kind in counts
            if count and count >= least * self.pixels
        ]
        return " and ".join(losses) or None
