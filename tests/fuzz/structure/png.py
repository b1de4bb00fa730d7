"""PNG: chunks changed, with checksums that hold."""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.fuzz.mutate import mutate_bytes
from tests.fuzz.structure.lists import EXTREMES, rearrange
from tests.png_chunks import SIGNATURE, chunk

Chunk = tuple[bytes, bytes]


def chunks_of(content: bytes) -> list[Chunk]:
    """The chunks of a file by kind and content, to where it is damaged."""
    place, found = len(SIGNATURE), []
    while len(head := content[place : place + 8]) == 8:
        length, kind = struct.unpack(">I4s", head)
        found.append((kind, content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def mutate(content: bytes, random: Random) -> bytes:
    """One chunk changed, or all of them rearranged."""
    chunks = chunks_of(content)
    if not chunks:
        return content
    how = random.randrange(6)
    if how == 0:
        chunks = rearrange(chunks, random)
    elif how == 1:
        chunks[0] = b"IHDR", _header(chunks[0][1], random)
    elif how == 2:
        chunks = _cut_up(chunks, random)
    elif how == 3:
        return _lying(chunks, random)
    else:
        place = random.randrange(len(chunks))
        kind, inner = chunks[place]
        chunks[place] = kind, _inner(inner, random)
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def _header(content: bytes, random: Random) -> bytes:
    if len(content) != 13:
        return content
    fields = list(struct.unpack(">IIBBBBB", content))
    place = random.randrange(7)
    fields[place] = (
        random.choice(EXTREMES) & 0xFFFFFFFF
        if place < 2
        else random.choice([0, 1, 2, 3, 4, 6, 8, 16, 32, 255])
    )
    return struct.pack(">IIBBBBB", *fields)


def _cut_up(chunks: list[Chunk], random: Random) -> list[Chunk]:
    """The pixels in chunks of a few bytes each."""
    length = random.choice([1, 2, 7])
    return [
        (kind, content[start : start + length] if kind == b"IDAT" else content)
        for kind, content in chunks
        for start in (range(0, len(content), length) if kind == b"IDAT" else (0,))
    ]


def _lying(chunks: list[Chunk], random: Random) -> bytes:
    """One chunk tells another length than it has."""
    place = random.randrange(len(chunks))
    parts = [chunk(*each) for each in chunks]
    parts[place] = struct.pack(">I", random.choice(EXTREMES) & 0xFFFFFFFF) + parts[place][4:]
    return SIGNATURE + b"".join(parts)


def _inner(content: bytes, random: Random) -> bytes:
    """The content changed; what is compressed, mostly before its compression."""
    if random.random() < 0.5:
        try:
            return zlib.compress(mutate_bytes(zlib.decompress(content), random))
        except zlib.error:
            pass
    return mutate_bytes(content, random)
