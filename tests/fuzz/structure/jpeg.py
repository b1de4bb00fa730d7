"""JPEG: segments changed, with lengths that hold."""

from __future__ import annotations

import struct
from random import Random

from tests.fuzz.mutate import mutate_bytes
from tests.fuzz.structure import tiff
from tests.fuzz.structure.lists import rearrange

_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
Segment = tuple[int, bytes]


def mutate(content: bytes, random: Random) -> bytes:
    """One segment before the first scan changed, or all of them rearranged."""
    segments, rest = _split(content)
    if not segments:
        return content
    how = random.randrange(6)
    if how == 0:
        segments = rearrange(segments, random)
    elif how == 1:
        segments = [(m, _frame(c, random) if m in _FRAMES else c) for m, c in segments]
    elif how == 2:
        segments = [(m, _exif(c, random)) for m, c in segments]
    elif how == 3:
        place = random.randrange(len(segments))
        marker = random.choice(
            [0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC9, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xEE, 0xFE]
        )
        segments[place] = marker, segments[place][1]
    else:
        place = random.randrange(len(segments))
        marker, inner = segments[place]
        segments[place] = marker, mutate_bytes(inner, random)
    return b"\xff\xd8" + b"".join(_packed(*each) for each in segments) + rest


def _split(content: bytes) -> tuple[list[Segment], bytes]:
    """The segments between the start and the first scan, and what follows from there on."""
    place, found = 2, []
    while len(head := content[place : place + 4]) == 4:
        mark, marker, length = struct.unpack(">BBH", head)
        if mark != 0xFF or marker in _ALONE or marker == 0xDA or length < 2:
            break
        found.append((marker, content[place + 4 : place + 2 + length]))
        place += 2 + length
    return found, content[place:]


def _packed(marker: int, content: bytes) -> bytes:
    content = content[:65_533]
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _frame(content: bytes, random: Random) -> bytes:
    """The frame's header with another depth, size, number of components or sampling."""
    if len(content) < 9:
        return content
    frame = bytearray(content)
    how = random.randrange(4)
    if how == 0:
        frame[0] = random.choice([0, 1, 2, 12, 16, 255])
    elif how == 1:
        place = random.choice([1, 3])
        frame[place : place + 2] = struct.pack(
            ">H", random.choice([0, 1, 2, 9, 500, 9000, 20_000, 65_500, 65_535])
        )
    elif how == 2:
        frame[5] = random.choice([0, 1, 2, 3, 4, 5, 255])
    else:
        place = 6 + random.randrange(len(frame) - 6)
        frame[place] = random.choice([0, 1, 0x11, 0x12, 0x21, 0x22, 0x41, 0x44, 0xFF])
    return bytes(frame)


def _exif(content: bytes, random: Random) -> bytes:
    if not content.startswith(b"Exif\0\0"):
        return content
    return b"Exif\0\0" + tiff.mutate(content[6:], random)
