"""The meaning of an image's values and channels, which an array itself does not define."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import full_scale


@dataclass(frozen=True)
class PixelMeaning:
    """The range and the channels of an image.

    Attributes:
        black: the value that is 0 for the network; None to find it, see `range_of`.
        white: the value that is 1 for the network; None to find it.
        has_alpha: whether the last of 2 or 4 channels is alpha.
        colours: number of leading channels that go through a network together, 3 for colour. The
            others go one at a time. None for all channels that the network takes.
        hidden: mask (H, W) of fully transparent pixels, if alpha is not among the channels.
        no_data: the value that marks missing pixels.
        quantization: the quantization tables of a JPEG file, luma first.
    """

    black: float | None = None
    white: float | None = None
    has_alpha: bool = True
    colours: int | None = None
    hidden: np.ndarray[Any, np.dtype[np.bool_]] | None = None
    no_data: float | None = None
    quantization: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, picture: Picture) -> PixelMeaning:
        """The meaning of the pixels of a picture."""
        white = full_scale(picture.pixels.dtype) if picture.white is None else picture.white
        hidden = None if picture.alpha is None else picture.alpha == 0
        colours = picture.colours if picture.extra else None
        tables = picture.metadata.quantization
        return cls(picture.black, white, False, colours, hidden, picture.no_data, tables)


USUAL_MEANING = PixelMeaning()
