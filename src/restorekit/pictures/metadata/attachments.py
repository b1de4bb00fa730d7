"""What belongs to a picture in its file and is no part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class View(NamedTuple):
    """A picture in the index: its attributes, where it lies, counted from the first one's end, and
    the numbers of the entries that depend on it."""

    attributes: int
    start: int
    size: int
    depends: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Attachments:
    """What belongs to the picture of a JPEG and is no part of it.

    Attributes:
        names: what it is, in the user's words.
        tail: all that follows the picture in the file, without previews.
        views: the pictures that the file's index lists: the first one, and those in `tail`.
        segments: application segments that belong to it.
        is_extended: whether XMP is extended among them.
        orientation: how the picture lies in the file; gain maps and views lie the same way.
    """

    names: tuple[str, ...]
    tail: bytes = b""
    views: tuple[View, ...] = ()
    segments: tuple[bytes, ...] = ()
    is_extended: bool = False
    orientation: int = 1
