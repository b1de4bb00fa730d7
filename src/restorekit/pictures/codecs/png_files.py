"""PNG files: their chunks and metadata.

Format: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO

import imagecodecs
import numpy as np
from PIL import Image

from restorekit.pictures.codecs.png_pixels import SIGNATURE, chunk, decode
from restorekit.pictures.metadata.exif import without_prefix
from restorekit.pictures.picture import Metadata, Picture, PictureError
from restorekit.pictures.picture import separate_alpha as _separate
from restorekit.pictures.pixel_values import Array

_HEADER_END = len(SIGNATURE) + 8 + 13 + 4  # IHDR is always first, with a fixed length
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_OF_PIXELS = (b"IHDR", b"PLTE", b"IDAT")
_READ = (*_OF_PIXELS, *_COLOUR, b"tRNS", b"eXIf", b"iCCP", b"pHYs", b"acTL", b"fcTL", b"IEND")
_XMP = b"XML:com.adobe.xmp\x00"
_EXIF_AS_TEXT = (b"Raw profile type exif", b"Raw profile type APP1")
_LARGEST_CHUNK = 1 << 26  # of metadata, also when decompressed
_LARGEST_TEXT = 1 << 20  # when decompressed; Pillow rejects pictures with a longer text
_INCHES_PER_METRE = 39.37007874015748
_LEVEL = 3  # of compression: 1.5 times as fast as the default, with 2% larger files


def read(path: Path) -> tuple[Array, Array | None, Metadata]:
    """The pixels (H, W, C) of uint8 or uint16, the alpha (H, W) or None, and the metadata.

    Raises:
        PictureError: it is animated, damaged, or too large.
        Exception: any that a decoder raises for damaged pixels.
    """
    data = path.read_bytes()
    every = list(chunks(data))
    if any(kind == b"acTL" and _is_animated(content) for kind, content in every):
        raise PictureError("it holds several pictures, which is supported for TIFF files only")
    pixels, alpha = decode(every)
    is_bilevel = every[0][1][8:10] == b"\x01\x00"  # one bit of gray
    return pixels, alpha, replace(_metadata(every), is_bilevel=is_bilevel)


def write(picture: Picture, file: IO[bytes]) -> None:
    """Write a picture of 8 or 16 bits, or of one bit if its file had one, with its metadata."""
    picture = _separate(picture)
    encoded = memoryview(_encoded(picture))
    file.write(encoded[:_HEADER_END])
    for kind, content in _ancillary(picture.metadata):
        file.write(chunk(kind, content))
    file.write(encoded[_HEADER_END:])


def _encoded(picture: Picture) -> bytes:
    if (bits := picture.bits) is not None:
        buffer = BytesIO()
        Image.fromarray(bits).save(buffer, "PNG")
        return buffer.getvalue()
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture.channels()), level=_LEVEL))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG as (kind, content), up to its end or where the file is truncated.

    Damaged chunks of metadata are skipped.

    Raises:
        PictureError: a chunk with pixels is damaged.
    """
    place, kind = len(SIGNATURE), b""
    while place + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        place += 12 + length
        if place > len(data):
            return
        (check,) = struct.unpack_from(">I", data, place - 4)
        # A damaged text must not prevent reading a picture; wrong pixels must.
        if check == zlib.crc32(content, zlib.crc32(kind)):
            yield kind, content
        elif kind in _OF_PIXELS:
            raise PictureError(f"it is damaged (its {kind.decode()} chunk)")


def _metadata(every: Sequence[tuple[bytes, bytes]]) -> Metadata:
    """The metadata in the chunks; invalid ones are skipped."""
    every = [(kind, content) for kind, content in every if len(content) <= _LARGEST_CHUNK]
    found = {kind: content for kind, content in every if kind not in _TEXT}
    texts = [text for text in every if text[0] in _TEXT and not _is_too_long(*text)]
    long = [text[0] for text in every if text[0] in _TEXT and _is_too_long(*text)]
    packets = [content for _, content in texts if content.startswith(_XMP)]
    profile = _profile(found.get(b"iCCP", b""))
    others = [kind for kind in found if kind not in _READ or (kind == b"iCCP" and not profile)]
    return Metadata(
        exif=without_prefix(found.get(b"eXIf")),
        icc_profile=profile,
        dpi=_resolution(found.get(b"pHYs", b"")),
        xmp=_packet(packets[0]) if packets else None,
        colour_chunks=tuple((kind, found[kind]) for kind in _COLOUR if kind in found),
        text_chunks=tuple(text for text in texts if _is_kept(text[1], b"eXIf" in found)),
        left_out=tuple(f"PNG chunk {kind.decode('latin-1')}" for kind in (*others, *long)),
    )


def _ancillary(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """Convert metadata to chunks, in an order that the format allows."""
    for kind, content in metadata.colour_chunks:
        # The format allows either a profile or an sRGB chunk.
        if kind != b"sRGB" or metadata.icc_profile is None:
            yield kind, content
    if metadata.icc_profile is not None:
        # Before the pixels, as required; its name is free, and the second zero selects zlib.
        yield b"iCCP", b"ICC profile\x00\x00" + zlib.compress(metadata.icc_profile)
    if metadata.dpi is not None:
        # The format has whole dots per metre; 0 is not allowed.
        x, y = (max(1, round(dots * _INCHES_PER_METRE)) for dots in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", x, y, 1)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif
    if metadata.xmp is not None:
        yield b"iTXt", _XMP + bytes(4) + metadata.xmp
    yield from metadata.text_chunks


def _is_animated(content: bytes) -> bool:
    # An "animation" of one frame is an ordinary picture.
    return len(content) == 8 and int.from_bytes(content[:4], "big") > 1


def _is_kept(content: bytes, has_exif: bool) -> bool:
    """Whether a text chunk is valid, and does not repeat other metadata.

    Old programs store EXIF as text. A copy next to the EXIF chunk would keep the old orientation.
    """
    keyword, zero, _ = content.partition(b"\x00")
    if not zero or not 1 <= len(keyword) < 80 or content.startswith(_XMP):
        return False
    return not (has_exif and keyword in _EXIF_AS_TEXT)


def _is_too_long(kind: bytes, content: bytes) -> bool:
    """Whether a compressed text exceeds the limit when it is decompressed."""
    rest = content.partition(b"\x00")[2]
    if kind == b"zTXt":
        compressed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\x01":
        compressed = rest[2:].split(b"\x00", 2)[-1]
    else:
        return False
    limit = _LARGEST_CHUNK if content.startswith(_XMP) else _LARGEST_TEXT
    inflater = zlib.decompressobj()
    try:
        # With a limit, so that a small chunk cannot fill the memory.
        inflater.decompress(compressed, limit)
    except zlib.error:
        return False
    return bool(inflater.unconsumed_tail)


def _profile(content: bytes) -> bytes | None:
    """The ICC profile, which follows a name, a zero byte and the compression method."""
    _, zero, compressed = content.partition(b"\x00")
    if not zero or compressed[:1] != b"\x00":
        return None
    return _inflate(compressed[1:])


def _packet(content: bytes) -> bytes | None:
    """The XMP packet, which follows a keyword, two flags, a language and a translated keyword."""
    if not content.startswith(_XMP):
        return None
    flags, rest = content[len(_XMP) : len(_XMP) + 2], content[len(_XMP) + 2 :]
    text = rest.split(b"\x00", 2)[-1]
    return _inflate(text) if flags[:1] == b"\x01" else text or None


def _resolution(content: bytes) -> tuple[float, float] | None:
    if len(content) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", content)
    return (x / _INCHES_PER_METRE, y / _INCHES_PER_METRE) if unit == 1 and x and y else None


def _inflate(compressed: bytes) -> bytes | None:
    """Decompress data; None if it is damaged, empty or larger than the limit."""
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(compressed, _LARGEST_CHUNK)
    except zlib.error:
        return None
    return None if inflater.unconsumed_tail else found or None
