"""Mutations that know a format: the damaged file is still of that format, so it gets further."""

from __future__ import annotations

from random import Random

from tests import png_chunks
from tests.fuzz.structure import jpeg, png, riff, tiff


def mutate_structure(content: bytes, random: Random) -> bytes:
    """A file with one of its chunks, segments or entries changed; as it is where there are none."""
    if content.startswith(png_chunks.SIGNATURE):
        return png.mutate(content, random)
    if content.startswith(b"\xff\xd8"):
        return jpeg.mutate(content, random)
    if content.startswith(b"RIFF"):
        return riff.mutate(content, random)
    if content[:2] in (b"II", b"MM"):
        return tiff.mutate(content, random)
    return content
