"""A change of pictures that is easy to check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.one_file import (
    PagePlace,
    one_at_a_time,
)


@one_at_a_time
def invert(picture: Picture, place: PagePlace) -> Picture:
    """A function from picture to picture, in place of a denoiser."""
    return replace(picture, pixels=255 - picture.pixels)


def pixel(path: Path) -> object:
    with Image.open(path) as image:
        return image.getpixel((0, 0))


@one_at_a_time
def never(picture: Picture, place: PagePlace) -> Picture:
    raise AssertionError("called")
