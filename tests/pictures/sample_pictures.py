"""Pictures and PNG files for tests of reading."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.png_chunks import SIGNATURE, chunk


def picture(mode: str = "RGB", size: tuple[int, int] = (13, 9), seed: int = 0) -> Image.Image:
    """A PIL image of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], channels), np.uint8)
    return Image.frombytes(mode, size, levels.tobytes())


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG file built by the specification, for kinds that PIL cannot write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts)
