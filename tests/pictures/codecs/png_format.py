"""PNG files written and read by the specification."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from tests.png_chunks import SIGNATURE, chunk

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def png(samples: Any, colour_type: int, *extra: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    """A 16-bit PNG of samples (H, W, C), built by the specification."""
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in samples)
    parts = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows))]
    return SIGNATURE + b"".join(chunk(*part) for part in parts) + after + chunk(b"IEND", b"")


def parse(data: bytes) -> tuple[list[tuple[bytes, bytes]], Any]:
    """The chunks of a PNG with verified checksums, and its samples (H, W, C) without filters."""
    assert data[:8] == SIGNATURE
    place, found = 8, []
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", data, place + 8 + length)
        assert check == zlib.crc32(kind + content)
        found.append((kind, content))
        place += 12 + length
    width, height, depth, colour_type = struct.unpack_from(">IIBB", found[0][1])
    raw = zlib.decompress(b"".join(content for kind, content in found if kind == b"IDAT"))
    step = CHANNELS[colour_type] * depth // 8
    rows = [bytearray(step + width * step)]
    for y in range(height):
        line = raw[y * (1 + width * step) :][: 1 + width * step]
        rows.append(unfiltered(line[0], line[1:], rows[-1], step))
    samples = np.frombuffer(b"".join(row[step:] for row in rows[1:]), f">u{depth // 8}")
    return found, samples.reshape(height, width, -1)


def unfiltered(kind: int, line: bytes, above: bytearray, step: int) -> bytearray:
    """A row with its filter undone, behind `step` zeros (https://www.w3.org/TR/png-3/#9Filters)."""
    row = bytearray(step) + bytearray(line)
    for x in range(step, len(row)):
        a, b, c = row[x - step], above[x], above[x - step]
        paeth = min((a, b, c), key=lambda near: abs(a + b - c - near))
        row[x] = (row[x] + (0, a, b, (a + b) // 2, paeth)[kind]) % 256
    return row


def samples(channels: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 65536, (4, 5, channels)).astype(np.uint16)
