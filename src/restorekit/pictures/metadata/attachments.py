"""Data that follows a picture in its file, for example a gain map or a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class View(NamedTuple):
    """An entry of the index of pictures.

    Attributes:
        attributes: the kind of picture, as a bit field.
        start: offset from the end of the first picture.
        size: size in bytes.
        depends: numbers of the entries that depend on it.
    """

    attributes: int
    start: int
    size: int
    depends: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Attachments:
    """The data that follows the picture of a JPEG.

    Attributes:
        names: names of its parts for messages.
        tail: the bytes after the picture, without previews.
        views: the pictures in the index of the file: the first one, and those in `tail`.
        segments: application segments that describe it.
        is_extended: whether these contain extended XMP.
        orientation: EXIF orientation of the picture in the file; gain maps and views share it.
    """

    names: tuple[str, ...]
    tail: bytes = b""
    views: tuple[View, ...] = ()
    segments: tuple[bytes, ...] = ()
    is_extended: bool = False
    orientation: int = 1
