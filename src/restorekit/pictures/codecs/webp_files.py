"""WebP files. libwebp encodes and decodes the pixels; other chunks are read here.

Format: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import imagecodecs
import numpy as np

from restorekit.pictures.codecs.pillow_files import info_of, to_pil_image
from restorekit.pictures.metadata.exif import without_prefix
from restorekit.pictures.picture import Metadata, Picture, PictureError, check_size, separate_alpha
from restorekit.pictures.pixel_values import Array

# libwebp allocates up to 8 bytes per pixel, even for a file of a few kilobytes.
MAX_PIXELS = 200_000_000
_OF_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_METADATA = {b"EXIF", b"ICCP", b"XMP "}


def is_webp(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def read(path: Path) -> tuple[Array, Array | None, Metadata]:
    """The pixels (H, W, 3) of uint8, the alpha (H, W) or None, and the metadata.

    Raises:
        PictureError: the file is animated or too large.
        Exception: any that imagecodecs raises for damaged files.
    """
    data = path.read_bytes()
    chunks = list(_chunks(data))
    if sum(kind == b"ANMF" for kind, _ in chunks) > 1:
        raise PictureError("it holds several pictures, which is supported for TIFF files only")
    for size in (_size(kind, content) for kind, content in chunks):
        if size is not None:
            check_size(*size, MAX_PIXELS)
    decoded = imagecodecs.webp_decode(data)
    # Of repeated chunks the first one counts.
    found = dict(reversed(chunks))
    others = dict.fromkeys(kind for kind, _ in chunks if kind not in _OF_PIXELS | _METADATA)
    metadata = Metadata(
        exif=without_prefix(found.get(b"EXIF")),
        icc_profile=found.get(b"ICCP") or None,
        xmp=found.get(b"XMP ") or None,
        left_out=tuple(f"WebP chunk {kind.decode('latin-1').strip()}" for kind in others),
    )
    if decoded.shape[2] == 3:
        return decoded, None, metadata
    pixels, alpha = decoded[..., :3], decoded[..., 3]
    return np.ascontiguousarray(pixels), np.ascontiguousarray(alpha), metadata


def write(picture: Picture, file: IO[bytes], quality: int | None) -> None:
    """Write a picture: lossless, or with a quality and halved colour resolution."""
    # `exact` keeps the colour of fully transparent pixels.
    options: dict[str, object] = {"lossless": True, "exact": True}
    if quality is not None:
        options = {"quality": quality, "method": 4}
    kept = info_of(picture.metadata)
    # The format has no field for the resolution except in EXIF.
    kept.pop("dpi", None)
    to_pil_image(separate_alpha(picture)).save(file, "WEBP", **options, **kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks as (kind, content), up to a truncated one."""
    place = 12
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        if place + 8 + size > len(data):
            return
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _size(kind: bytes, content: bytes) -> tuple[int, int] | None:
    """The width and height in a chunk; None if it has none."""
    if kind == b"VP8X" and len(content) >= 10:
        width, height = (int.from_bytes(content[at : at + 3], "little") for at in (4, 7))
        return 1 + width, 1 + height
    if kind == b"VP8L" and len(content) >= 5:
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(content) >= 10:
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
