"""PNG files: every colour type, depth and interlacing, and the chunks besides the pixels."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.fuzz.corpus.pixels import XMP, Array, exif, pixels, profile
from tests.png_chunks import SIGNATURE, chunk

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def files() -> dict[str, bytes]:
    """The files by name."""
    kinds = [
        (0, 1),
        (0, 2),
        (0, 4),
        (0, 8),
        (0, 16),
        (2, 8),
        (2, 16),
        (3, 1),
        (3, 2),
        (3, 4),
        (3, 8),
    ]
    kinds += [(4, 8), (4, 16), (6, 8), (6, 16)]
    plain = {
        f"png-{colour}-{bits}{'-adam7' * interlaced}.png": png(colour, bits, interlaced)
        for colour, bits in kinds
        for interlaced in (False, True)
    }
    transparent = {
        "png-gray-trns.png": png(0, 8, extra=[(b"tRNS", b"\0\x50")]),
        "png-colour-trns-16.png": png(2, 16, extra=[(b"tRNS", bytes(6))]),
        "png-palette-trns.png": png(3, 8, extra=[(b"tRNS", bytes(range(256)))]),
    }
    return {
        **plain,
        **transparent,
        "png-chunks.png": png(2, 8, extra=_chunks()),
        "png-chunks-16.png": png(2, 16, extra=_chunks()),
        "png-animated.png": _animated(),
        "png-bomb.png": png(0, 8, extra=_bombs()),
        "png-claims-much.png": png(2, 8, claimed=(65_535, 65_535)),
    }


def png(
    colour: int,
    bits: int,
    interlaced: bool = False,
    extra: list[tuple[bytes, bytes]] | None = None,
    claimed: tuple[int, int] | None = None,
) -> bytes:
    """A PNG of noise, written chunk by chunk as the format says."""
    height, width = 18, 23
    channels = _CHANNELS[colour]
    levels = pixels(channels, "uint16", height, width).reshape(height, width, channels) >> (
        16 - bits
    )
    scans = b"".join(
        _rows(levels[top::down, left::across], bits)
        for left, top, across, down in (_PASSES if interlaced else ((0, 0, 1, 1),))
    )
    size = claimed or (width, height)
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, interlaced))]
    if colour == 3:
        parts.append(chunk(b"PLTE", bytes(i * 7 % 256 for i in range(3 * 2**bits))))
    parts += [chunk(*each) for each in extra or []]
    parts += [chunk(b"IDAT", zlib.compress(scans)), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def _rows(levels: Array, bits: int) -> bytes:
    """Rows of samples, each after the number of its filter (none)."""
    rows = levels.reshape(len(levels), -1)
    if not rows.size:
        return b""
    if bits == 16:
        octets = rows.astype(">u2").view(np.uint8).reshape(len(rows), -1)
    elif bits == 8:
        octets = rows.astype(np.uint8)
    else:
        places = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        octets = np.packbits(places.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + bytes(row.tobytes()) for row in octets)


def _chunks() -> list[tuple[bytes, bytes]]:
    return [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", bytes(32)),
        (b"sBIT", b"\5\6\5"),
        (b"iCCP", b"name\0\0" + zlib.compress(profile())),
        (b"pHYs", struct.pack(">IIB", 2835, 5670, 1)),
        (b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5)),
        (b"tEXt", b"Title\0a picture"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 99)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        (b"eXIf", exif().removeprefix(b"Exif\0\0")),
    ]


def _bombs() -> list[tuple[bytes, bytes]]:
    """Texts and a profile that take a hundred megabytes each when they are decompressed."""
    huge = zlib.compress(bytes(100_000_000))
    return [
        (b"iCCP", b"name\0\0" + huge),
        (b"zTXt", b"Comment\0\0" + huge),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + huge),
    ]


def _animated() -> bytes:
    target = io.BytesIO()
    frames = [Image.fromarray(np.roll(pixels(3), shift, 0)) for shift in range(3)]
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    return target.getvalue()
