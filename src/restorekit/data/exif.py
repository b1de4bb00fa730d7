"""EXIF blocks: which way up, and how a TIFF holds what every other format has in one block.

An EXIF block is a small TIFF file without an image: a header, a directory of entries, and further
directories that entries of the first point to. The block of most pictures is passed on byte for
byte, since the notes of camera makers point into it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

from restorekit.data.picture import Array

PREFIX = b"Exif\x00\x00"
_ORIENTATION = 274
_INTEROPERABILITY = 40965  # a directory of its own, of no use to anyone
# What of a TIFF's first directory is about the picture's making, with the type it is written in;
# everything else there is about the file's own layout.
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
DIRECTORIES = (34665, 34853)  # of the exposure, and of the place


Tag = tuple[int, str, int, Any, bool]  # an entry of a TIFF's directory, as tifffile takes it


def bare(block: Any) -> bytes | None:
    """An EXIF block without the prefix that some formats put before it; None for what is none."""
    if not isinstance(block, bytes):
        return None
    return block.removeprefix(PREFIX) or None


def orientation_of(block: bytes | None) -> int:
    """EXIF's orientation, 1 to 8; 1 where it is not said, or the block is damaged."""
    for order, entry in _entries(block or b""):
        code, kind, count, value = struct.unpack_from(f"{order}HHIH", block or b"", entry)
        if (code, kind, count) == (_ORIENTATION, 3, 1) and 1 <= value <= 8:
            return int(value)
    return 1


def upright(block: bytes) -> bytes:
    """The block with orientation 1, and without the thumbnail, which still lies as before."""
    patched = bytearray(block)
    end = None
    for order, entry in _entries(block):
        if struct.unpack_from(f"{order}H", block, entry)[0] == _ORIENTATION:
            struct.pack_into(f"{order}HIHH", patched, entry + 2, 3, 1, 1, 0)
        end = entry + 12
    if end is not None and end + 4 <= len(patched):
        patched[end : end + 4] = bytes(4)
    return bytes(patched)


def upright_xmp(packet: bytes) -> bytes:
    """An XMP packet whose orientation, where it says one, is 1."""
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[2-8]", rb"\g<1>1", packet)


def turn(values: Array, orientation: int) -> Array:
    """(H, W, ...) as a viewer shows it that heeds the orientation."""
    if orientation in (2, 3, 7, 8):
        values = values[:, ::-1]
    if orientation in (3, 4, 6, 7):
        values = values[::-1]
    return values.swapaxes(0, 1) if orientation >= 5 else values


def from_tiff(file: IO[bytes], offset: int, order: str, big: bool) -> bytes | None:
    """What the directory at an offset of a TIFF says of the picture's making, as a block.

    Args:
        file: the TIFF.
        offset: where its page's directory begins.
        order: "<" or ">".
        big: whether it is a BigTIFF.
    """
    found = Image.Exif()
    found.endian, found.bigtiff = order, big
    with suppress(Exception):  # damaged metadata is no reason to refuse the pixels
        found.load_from_fp(file, offset)
        return descriptive(found)
    return None


def descriptive(found: Image.Exif) -> bytes | None:
    """What entries that Pillow has read say of the picture's making, as a block."""
    with suppress(Exception):
        block = Image.Exif()
        for code, value in found.items():
            if code in DESCRIPTIVE and not _is_tifffile_shape(code, value):
                # As bytes, for Pillow writes text in ASCII; it reads it as if it were in Latin-1.
                block[code] = value.encode("latin-1") if isinstance(value, str) else value
            elif code in DIRECTORIES and (directory := found.get_ifd(code)):
                block[code] = directory
        return bare(block.tobytes()) if len(block) else None
    return None


def to_tiff(block: bytes | None) -> tuple[list[Tag], dict[int, Directory]]:
    """The block as entries of a little-endian TIFF, and its further directories by their code."""
    tags: list[Tag] = []
    directories: dict[int, Directory] = {}
    with suppress(Exception):
        exif = Image.Exif()
        exif.load(PREFIX + (block or b""))
        for code, value in exif.items():
            if code in DESCRIPTIVE:
                tags += _tag(code, value)
            elif code in DIRECTORIES and (entries := exif.get_ifd(code)):
                directories[code] = Directory(group=code)
                for entry, held in entries.items():
                    if entry != _INTEROPERABILITY:
                        directories[code][entry] = held
    return tags, directories


def _tag(code: int, value: Any) -> Iterator[Tag]:
    kind = DESCRIPTIVE[code]
    if kind == "s":
        text = value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")
        yield code, kind, len(text) + 1, text + b"\x00", True
    elif kind == "B":
        octets = bytes(value)
        yield code, kind, len(octets), octets, True
    else:
        numbers = value if isinstance(value, tuple) else (value,)
        yield code, kind, len(numbers), numbers if len(numbers) > 1 else numbers[0], True


def _is_tifffile_shape(code: int, value: Any) -> bool:
    """Whether a description is tifffile's note on the array it wrote, which may not hold again."""
    return code == 270 and isinstance(value, str) and value.startswith('{"shape":')


def _entries(block: bytes) -> Iterator[tuple[str, int]]:
    """The byte order, and where each entry of the first directory begins."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if start + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for entry in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        yield order, entry
