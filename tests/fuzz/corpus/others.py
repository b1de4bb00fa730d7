"""WebP and BMP files, and files of kinds that are not read."""

from __future__ import annotations

import io
import struct
from typing import Any

from PIL import Image

from tests.fuzz.corpus.pixels import XMP, exif, pixels, profile


def files() -> dict[str, bytes]:
    """The files by name."""
    colour, alpha, gray = (Image.fromarray(pixels(n)) for n in (3, 4, 1))
    kept: dict[str, Any] = {"exif": exif(3), "icc_profile": profile(), "xmp": XMP}
    webp = {
        "webp-lossy.webp": _saved(colour, "WEBP"),
        "webp-lossless.webp": _saved(colour, "WEBP", lossless=True),
        "webp-alpha.webp": _saved(alpha, "WEBP", lossless=True, exact=True),
        "webp-metadata.webp": _saved(alpha, "WEBP", **kept),
        "webp-animated.webp": _saved(colour, "WEBP", save_all=True, append_images=[alpha, gray]),
    }
    bmp = {
        "bmp-colour.bmp": _saved(colour, "BMP", dpi=(72, 72)),
        "bmp-gray.bmp": _saved(gray, "BMP"),
        "bmp-two.bmp": _saved(gray.convert("1"), "BMP"),
        "bmp-palette.bmp": _saved(colour.quantize(16), "BMP"),
        "bmp-alpha.bmp": _saved(alpha, "BMP"),
        "bmp-runs.bmp": _runs(),
    }
    unread = {
        "gif.gif": _saved(colour, "GIF"),
        "gif-as.png": _saved(colour, "GIF"),
        "jpeg2000-as.jpg": _saved(colour, "JPEG2000"),
        "ppm-as.tif": _saved(colour, "PPM"),
        "tga-as.bmp": _saved(colour, "TGA"),
        "heic-as.jpg": b"\0\0\0\x18ftypheic" + bytes(200),
        "raw-as.tif": b"FUJIFILMCCD-RAW 0201" + bytes(200),
        "empty.png": b"",
        "one-byte.jpg": b"\xff",
        "text.tif": b"not a picture\n\x1b[31m",
        "webp-claims-much.webp": b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + b"\x0a\0\0\0"
        + bytes(4)
        + b"\xff" * 6
        + bytes(8),
        "bmp-claims-much.bmp": _claiming(),
    }
    return {**webp, **bmp, **unread}


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def _runs() -> bytes:
    """A BMP of 8 bits whose rows are run-length encoded."""
    rows = b"".join(bytes([10, 17, 6, y * 9]) + b"\0\0" for y in range(16)) + b"\0\1"
    palette = b"".join(bytes([i, i, i, 0]) for i in range(256))
    start = 54 + len(palette)
    head = struct.pack("<2sIII", b"BM", start + len(rows), 0, start)
    return (
        head
        + struct.pack("<IiiHHIIiiII", 40, 16, 16, 1, 8, 1, len(rows), 0, 0, 256, 0)
        + palette
        + rows
    )


def _claiming() -> bytes:
    head = struct.pack("<2sIII", b"BM", 54, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, 2**31 - 1, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0)
