"""The analysis of any image, in one call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from restorekit.errors import InputError, warn
from restorekit.pictures.picture import Picture
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.analysis import Analysis, analyze_canvas
from restorekit.restore.denoise_options import RangeEnd
from restorekit.restore.image_types import open_image
from restorekit.restore.pixel_meaning import PixelMeaning


def analyze(
    image: Any, *, black: RangeEnd = "auto", white: RangeEnd = "auto", alpha: bool = True
) -> Analysis:
    """Find out what kind of picture an image is, and what noise it has.

    Every registered measurement (`restorekit list measurements`) is taken, on a sample of at most
    two megapixels.

    Args:
        image: one image that `denoise` takes, of any kind; of a batch, the only image.
        black: the value of black; "auto" finds it.
        white: the value of white.
        alpha: whether the last of two or four channels is alpha, which is not measured.

    Returns:
        The record of each measurement, as an attribute with its name.

    Raises:
        InputError: the image is invalid, or a batch of several images.
        ImageFileError: the file cannot be read.

    Warns:
        PluginWarning: a measurement failed. It is left out.
        RestoreWarning: black and white were taken from the values.

    Example:
        >>> restorekit.analyze(np.zeros((64, 64), np.uint8)).content.black
        1.0
    """
    meaning = PixelMeaning(*check_range(black, white), has_alpha=alpha)
    canvas = open_image(image, channels=None, meaning=meaning).canvas
    if (count := len(canvas.source)) > 1:
        raise InputError(f"this is a batch of {count} images; analyze one at a time")
    if canvas.words:
        warn(canvas.words)
    return analyze_canvas(canvas)


def analyze_picture(
    picture: Picture, black: float | None = None, white: float | None = None
) -> Analysis:
    """Analyze a picture from a file; see `analyze`.

    Args:
        picture: the picture.
        black: the value of black; None for that of the picture.
        white: the value of white. If only one of them is given, the other is found.

    Raises:
        InputError: its values cannot be used.
    """
    meaning = PixelMeaning.of(picture)
    if (black, white) != (None, None):
        meaning = replace(meaning, black=black, white=white)
    return analyze_canvas(open_image(picture.pixels, channels=None, meaning=meaning).canvas)
