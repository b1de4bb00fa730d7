"""What the values and channels of an image mean, where the image itself does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import full_scale


@dataclass(frozen=True)
class PixelMeaning:
    """What is known of an image besides its values.

    Attributes:
        black: the value that is 0 to the network; None to find it, see `range_of`.
        white: the value that is 1.
        has_alpha: whether the last of 2 or 4 channels is alpha.
        colours: how many of the first channels go through a network together, 3 of colour; those
            after them go one at a time. None for all channels that the network takes.
        hidden: (H, W), where alpha is 0 that is not among the channels: colour that nobody sees.
        no_data: a value that stands for none.
    """

    black: float | None = None
    white: float | None = None
    has_alpha: bool = True
    colours: int | None = None
    hidden: np.ndarray[Any, np.dtype[np.bool_]] | None = None
    no_data: float | None = None

    @classmethod
    def of(cls, picture: Picture) -> PixelMeaning:
        """That of a picture's pixels."""
        white = full_scale(picture.pixels.dtype) if picture.white is None else picture.white
        hidden = None if picture.alpha is None else picture.alpha == 0
        colours = picture.colours if picture.extra else None
        return cls(picture.black, white, False, colours, hidden, picture.no_data)


USUAL_MEANING = PixelMeaning()
