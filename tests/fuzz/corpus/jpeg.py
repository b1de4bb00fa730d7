"""JPEG files: gray, colour, ink, progressive, and what phones add."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from tests.fuzz.corpus.pixels import XMP, exif, pixels, profile


def files() -> dict[str, bytes]:
    """The files by name."""
    colour, thumbnail = Image.fromarray(pixels(3)), _saved(Image.new("RGB", (8, 6)))
    plain = {
        "jpeg-gray.jpg": _saved(Image.fromarray(pixels(1))),
        "jpeg-colour.jpg": _saved(colour),
        "jpeg-444.jpg": _saved(colour, subsampling="4:4:4", quality=98),
        "jpeg-progressive.jpg": _saved(colour, progressive=True),
        "jpeg-restarts.jpg": _saved(colour, restart_marker_blocks=1),
        "jpeg-arithmetic.jpg": _saved(colour).replace(b"\xff\xc0", b"\xff\xc9"),
        "jpeg-ink.jpg": _saved(Image.fromarray(pixels(4), "CMYK")),
        "jpeg-large.jpg": _saved(Image.fromarray(pixels(3, height=200, width=300))),
    }
    carrying = {
        "jpeg-exif.jpg": _saved(colour, exif=exif(6)),
        "jpeg-thumbnail.jpg": _saved(colour, exif=_with_thumbnail(thumbnail)),
        "jpeg-metadata.jpg": _saved(
            colour,
            exif=exif(8),
            icc_profile=profile(),
            xmp=XMP,
            comment=b"\x1b[31mred",
            dpi=(72, 96),
        ),
        "jpeg-long-profile.jpg": _saved(colour, icc_profile=profile() + bytes(200_000)),
        "jpeg-iptc.jpg": _saved(colour, extra=_press()),
    }
    views = _views(colour)
    motion = _saved(colour, xmp=XMP) + b"\0\0\0\x18ftypmp42" + bytes(400)
    claiming = bytearray(plain["jpeg-colour.jpg"])
    place = claiming.index(b"\xff\xc0") + 5
    claiming[place : place + 4] = struct.pack(">HH", 20_000, 20_000)
    return {
        **plain,
        **carrying,
        "jpeg-views.jpg": views,
        "jpeg-gain-map.jpg": _saved(colour, xmp=XMP) + thumbnail,
        "jpeg-motion.jpg": motion,
        "jpeg-claims-much.jpg": bytes(claiming),
        "jpeg-short-by-two.jpg": plain["jpeg-colour.jpg"][:-2],
    }


def _saved(image: Image.Image, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", **options)
    return target.getvalue()


def _with_thumbnail(thumbnail: bytes) -> bytes:
    """EXIF with a second directory that holds a JPEG."""
    first = struct.pack("<HHHII", 1, 0x0112, 3, 1, 6) + struct.pack("<I", 26)
    entries = struct.pack("<HHII", 0x0201, 4, 1, 56) + struct.pack(
        "<HHII", 0x0202, 4, 1, len(thumbnail)
    )
    second = struct.pack("<H", 2) + entries + struct.pack("<I", 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + thumbnail


def _press() -> bytes:
    record = b"\x1c\x02\x78\x00\x05words"
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(record)) + record
    content = b"Photoshop 3.0\0" + resource
    return struct.pack(">HH", 0xFFED, len(content) + 2) + content


def _views(image: Image.Image) -> bytes:
    target = io.BytesIO()
    second = Image.fromarray(np.roll(np.asarray(image), 1, 1))
    image.save(target, "MPO", save_all=True, append_images=[second])
    return target.getvalue()
