"""EXIF blocks: orientation, resolution, thumbnails, and conversion to and from TIFF directories.

An EXIF block is a small TIFF file without an image: a header, a directory of entries, and further
directories that its entries point to. Other formats store it as one block; in a TIFF its entries
are part of the file. Blocks are copied byte for byte where possible, because the notes of camera
makers contain offsets into them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from PIL import Image

from restorekit.pictures.metadata.exif_entries import (
    SIZES,
    content_of,
    entries_at,
    entries_of,
    number_of,
    ratio_of,
    scale_numbers,
)
from restorekit.pictures.metadata.program_notes import Tag, is_of_tifffile
from restorekit.pictures.pixel_values import Array

PREFIX = b"Exif\x00\x00"
_ORIENTATION = 274
_RESOLUTION, _UNIT, _INCHES, _CENTIMETRES = (282, 283), 296, 2, 3
_THUMBNAIL, _THUMBNAIL_SIZE = 513, 514
# Entries to exchange when a picture is rotated by 90 degrees: size and resolution, in the first
# directory and in that of the exposure, whose resolution is that of the sensor.
_SIDES = ((256, 257), _RESOLUTION, (40962, 40963), (41486, 41487))
_PLACES = (37396, 41492)  # of the subject: column and row, and perhaps its size
_WIDTHS, _HEIGHTS = zip(_SIDES[0], _SIDES[2], strict=True)
_INTEROPERABILITY = 40965  # a separate directory, which is not needed
# Entries of the first directory of a TIFF that describe the picture, with the type to write. All
# others describe the layout of the file.
DESCRIPTIVE = {
    269: "s",  # document name
    270: "s",  # description
    271: "s",  # make
    272: "s",  # model
    285: "s",  # page name
    297: "H",  # page number
    305: "s",  # software
    306: "s",  # date
    315: "s",  # artist
    316: "s",  # host computer
    18246: "H",  # rating
    18249: "H",
    33432: "s",  # copyright
    **dict.fromkeys(range(40091, 40096), "B"),  # Windows' title, comment, author, keywords, subject
}
_WRITTEN_AS = {"s": (2, 1, 7), "H": (3,), "B": (1, 7)}  # types that may be written as each
_EXPOSURE, _PLACE = 34665, 34853
DIRECTORIES = (_EXPOSURE, _PLACE)


def without_prefix(block: object) -> bytes | None:
    """An EXIF block without the prefix of some formats; None if it is empty or not bytes."""
    if not isinstance(block, bytes):
        return None
    return block.removeprefix(PREFIX) or None


def orientation_of(block: bytes | None) -> int:
    """The orientation, 1 to 8; 1 if the block lacks it or is damaged."""
    for entry in entries_of(block or b"", 0):
        value = number_of(block or b"", entry)
        if entry.code == _ORIENTATION and value is not None and 1 <= value <= 8:
            return value
    return 1


def resolution(block: bytes | None) -> tuple[float, float] | None:
    """Horizontal and vertical resolution in pixels per inch; None if it is missing."""
    found = {entry.code: entry for entry in entries_of(block or b"", 0)}
    unit = number_of(block or b"", found[_UNIT]) if _UNIT in found else _INCHES
    factor = {_INCHES: 1.0, _CENTIMETRES: 2.54}.get(unit or 0)
    values = [ratio_of(block or b"", found[code]) for code in _RESOLUTION if code in found]
    if factor is None or len(values) != 2 or not all(0 < value < 1e6 for value in values):
        return None
    return values[0] * factor, values[1] * factor


def turned(block: bytes, orientation: int, is_swapped: bool) -> bytes:
    """Replace the orientation in a block, if it has one.

    Args:
        block: an EXIF block.
        orientation: from 1 to 8.
        is_swapped: whether width and height are exchanged, and the resolutions with them.
    """
    # Changed in place instead of written again, so that all offsets remain valid.
    patched = bytearray(block)
    every = [*entries_of(block, 0), *entries_of(block, _EXPOSURE)]
    for entry in every:
        if entry.code == _ORIENTATION:
            struct.pack_into(f"{entry.order}HIHH", patched, entry.place + 2, 3, 1, orientation, 0)
    places = {entry.code: entry.place for entry in every}
    for one, other in _SIDES if is_swapped else ():
        if one in places and other in places:
            a, b = places[one] + 2, places[other] + 2
            # Type, count and value change places; the codes, which must stay sorted, do not.
            patched[a : a + 10], patched[b : b + 10] = block[b : b + 10], block[a : a + 10]
    return bytes(patched)


def sized(block: bytes, size: tuple[int, int], former: tuple[int, int]) -> bytes:
    """Replace the size of the picture in a block, and what is stated in its pixels.

    Args:
        block: an EXIF block.
        size: width and height of the picture.
        former: those of the picture that the block describes.
    """
    patched = bytearray(block)
    sides = {**dict.fromkeys(_WIDTHS, size[0]), **dict.fromkeys(_HEIGHTS, size[1])}
    across, down = size[0] / former[0], size[1] / former[1]
    factors = {
        **dict.fromkeys(_PLACES, (across, down)),
        **dict(zip(_SIDES[3], ((across, across), (down, down)), strict=True)),
    }
    for entry in (*entries_of(block, 0), *entries_of(block, _EXPOSURE)):
        if entry.code in sides and number_of(block, entry) is not None:
            content = (4, 1, sides[entry.code])  # one integer of 32 bits
            struct.pack_into(f"{entry.order}HII", patched, entry.place + 2, *content)
        if entry.code in factors:
            scale_numbers(patched, block, entry, factors[entry.code])
    return bytes(patched)


def without_thumbnail(block: bytes) -> bytes:
    """Remove the thumbnail from a block, because it shows the picture before restoring.

    Its directory is unlinked. Its bytes are cut off if they come last, as in most files; otherwise
    they are set to zero, so that offsets remain valid.
    """
    every = list(entries_of(block, 0))
    link = every[-1].place + 12 if every else len(block)
    if link + 4 > len(block) or not any(block[link : link + 4]):
        return block
    (start,) = struct.unpack_from(f"{every[0].order}I", block, link)
    values = {entry.code: number_of(block, entry) for entry in entries_at(block, start)}
    place, size = values.get(_THUMBNAIL) or 0, values.get(_THUMBNAIL_SIZE) or 0
    kept = bytearray(block)
    kept[link : link + 4] = bytes(4)
    if start < place < place + size <= len(block):
        kept[place : place + size] = bytes(size)
        # A block may end with a byte of padding.
        if place + size >= len(block) - 1:
            del kept[place:]
    return bytes(kept)


def turn(values: Array, orientation: int) -> Array:
    """Flip and rotate (H, W, ...) as the orientation requires, so that it is upright."""
    if orientation in (2, 3, 7, 8):
        values = values[:, ::-1]
    if orientation in (3, 4, 6, 7):
        values = values[::-1]
    return values.swapaxes(0, 1) if orientation >= 5 else values


def from_tiff(file: IO[bytes], offset: int, order: str, big: bool) -> bytes | None:
    """Read the descriptive entries of a directory of a TIFF as a block.

    Args:
        file: the TIFF.
        offset: offset of the directory of a page.
        order: byte order, "<" or ">".
        big: whether the file is a BigTIFF.
    """
    found = Image.Exif()
    found.endian, found.bigtiff = order, big
    with suppress(Exception):  # damaged metadata must not prevent reading the pixels
        found.load_from_fp(file, offset)
        return descriptive(found, without_notes=True)
    return None


def descriptive(found: Image.Exif, without_notes: bool = False) -> bytes | None:
    """The descriptive entries of those that Pillow has read, as a block.

    Args:
        found: the entries.
        without_notes: whether to omit a description that is the note of a program, see `is_note`.
    """
    with suppress(Exception):
        block = Image.Exif()
        for code, value in found.items():
            if code in DESCRIPTIVE and not (without_notes and code == 270 and is_note(value)):
                # Pillow reads text as Latin-1 but writes ASCII only, so it is passed as bytes.
                block[code] = value.encode("latin-1") if isinstance(value, str) else value
            elif code in DIRECTORIES and (directory := found.get_ifd(code)):
                block[code] = directory
        return without_prefix(block.tobytes()) if len(block) else None
    return None


def to_tiff(block: bytes | None) -> tuple[list[Tag], dict[int, ExifDirectory]]:
    """Convert a block to entries of a little-endian TIFF, and its further directories by code.

    Damaged entries are omitted, because Pillow would warn of them.
    """
    block = block or b""
    tags: list[Tag] = []
    for entry in entries_of(block, 0):
        kind, content = DESCRIPTIVE.get(entry.code), content_of(block, entry)
        if kind is not None and content is not None and entry.kind in _WRITTEN_AS[kind]:
            content = content.rstrip(b"\x00") + b"\x00" if kind == "s" else content
            count = len(content) // SIZES[_WRITTEN_AS[kind][0]]
            tags.append((entry.code, kind, count, content, True))
    directories = {}
    for code in DIRECTORIES:
        entries = [
            (entry.code, entry.kind, entry.length, content)
            for entry in entries_of(block, code)
            if entry.code != _INTEROPERABILITY and (content := content_of(block, entry)) is not None
        ]
        if entries:
            directories[code] = ExifDirectory(entries)
    return tags, directories


class ExifDirectory:
    """A directory of a little-endian TIFF, from entries (code, type, number of values, bytes)."""

    def __init__(self, entries: Sequence[tuple[int, int, int, bytes]]) -> None:
        # The specification requires ascending codes.
        self._entries = sorted(entries)

    def tobytes(self, place: int) -> bytes:
        """Encode the directory and the values of its entries, for an even offset in a file."""
        head, values = struct.pack("<H", len(self._entries)), b""
        end = place + 2 + 12 * len(self._entries) + 4
        for code, kind, length, content in self._entries:
            # Values of up to four bytes are stored in place of the offset.
            stored = content.ljust(4, b"\x00")
            if len(content) > 4:
                stored = struct.pack("<I", end + len(values))
                # TIFF requires values at even offsets.
                values += content + bytes(len(content) % 2)
            head += struct.pack("<HHI", code, kind, length) + stored
        return head + bytes(4) + values


def is_note(value: object) -> bool:
    """Whether a description is the note of a program (OME-XML, ImageJ, tifffile)."""
    if not isinstance(value, str):
        return False
    return is_of_tifffile(value) or value.startswith("ImageJ=") or "<OME" in value[:4096]
