"""WebP: the chunks of a RIFF file changed."""

from __future__ import annotations

import struct
from random import Random

from tests.fuzz.mutate import mutate_bytes
from tests.fuzz.structure.lists import EXTREMES, rearrange


def mutate(content: bytes, random: Random) -> bytes:
    """One chunk changed, all of them rearranged, or a length that does not hold."""
    chunks = _split(content)
    if not chunks:
        return content
    place = random.randrange(len(chunks))
    how = random.randrange(4)
    if how == 0:
        chunks = rearrange(chunks, random)
    elif how == 1:
        kind, inner = chunks[place]
        chunks[place] = (
            random.choice([b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP "]),
            inner,
        )
    elif how == 2:
        kind, inner = chunks[place]
        chunks[place] = kind, mutate_bytes(inner, random)
    packed = [
        kind + struct.pack("<I", len(inner)) + inner + bytes(len(inner) % 2)
        for kind, inner in chunks
    ]
    if how == 3:
        packed[place] = (
            packed[place][:4]
            + struct.pack("<I", random.choice(EXTREMES) & 0xFFFFFFFF)
            + packed[place][8:]
        )
    body = b"WEBP" + b"".join(packed)
    return b"RIFF" + struct.pack("<I", len(body) & 0xFFFFFFFF) + body


def _split(content: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 12, []
    while len(head := content[place : place + 8]) == 8:
        kind, length = struct.unpack("<4sI", head)
        found.append((kind, content[place + 8 : place + 8 + length]))
        place += 8 + length + length % 2
    return found
