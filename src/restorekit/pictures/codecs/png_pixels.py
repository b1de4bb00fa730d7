"""The pixels of PNG files.

The decoder gets only the chunks with pixels, so that damaged metadata causes neither an error nor a
warning. Pillow decodes up to 8 bits. It does not support 16-bit colour, so these pixels are
decompressed here and passed to libpng a few rows at a time. Given whole files, libpng would print
warnings for interlaced pictures and for data after the pixels.

Format: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from restorekit.pictures.codecs.pillow_files import image_arrays
from restorekit.pictures.picture import PictureError, check_size
from restorekit.pictures.pixel_values import Array

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_TRANSPARENT = {0: 2, 2: 6}  # size of the transparent colour in bytes, by colour type
_WHOLE = ((0, 0, 1, 1),)
# Passes of an interlaced picture: first column, first row, column step, row step.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_MOST_UNPACKED = 1032  # largest compression ratio of zlib
_ROWS_AT_ONCE, _BYTES_AT_ONCE = 256, 1 << 20
_TOO_SHORT = "it is damaged (it ends too early)"


class PngHeader(NamedTuple):
    """The fields of the IHDR chunk."""

    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filter: int
    interlace: int

    @property
    def channels(self) -> int:
        """Number of channels including alpha; 1 for a palette."""
        return _CHANNELS[self.colour]

    def stride(self, columns: int) -> int:
        """Size of a row in bytes, including the filter type."""
        return 1 + -(-columns * self.channels * self.depth // 8)

    @property
    def passes(self) -> tuple[tuple[int, int, int, int], ...]:
        """The passes in which the pixels are stored."""
        return _PASSES if self.interlace else _WHOLE


def chunk(kind: bytes, content: bytes) -> bytes:
    """Encode a chunk."""
    check = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", check)))


def decode(chunks: Sequence[tuple[bytes, bytes]]) -> tuple[Array, Array | None]:
    """Decode chunks to pixels (H, W, C) of uint8 or uint16, and alpha (H, W) or None.

    Raises:
        PictureError: the file is damaged or too large.
        Exception: any that Pillow and imagecodecs raise for damaged pixels.
    """
    # Of repeated chunks the first one counts, as for other decoders.
    found = dict(reversed(chunks))
    header = _header(found.get(b"IHDR", b""))
    packed = [content for kind, content in chunks if kind == b"IDAT"]
    _check_length(header, sum(map(len, packed)))
    if header.depth == 16:
        return _deep(header, found.get(b"tRNS", b""), packed)
    kinds = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
    needed = b"".join(chunk(*each) for each in chunks if each[0] in kinds)
    with PngImageFile(io.BytesIO(SIGNATURE + needed + chunk(b"IEND", b""))) as image:
        return image_arrays(image)


def _header(content: bytes) -> PngHeader:
    if len(content) != 13:
        raise PictureError("it is damaged (its header is missing)")
    header = PngHeader(*struct.unpack(">IIBBBBB", content))
    if header.colour not in _CHANNELS or header.interlace > 1 or not 1 <= header.depth <= 16:
        raise PictureError("it is damaged (its header has invalid values)")
    check_size(header.width, header.height)
    return header


def _check_length(header: PngHeader, packed: int) -> None:
    """Reject a size that the compressed bytes cannot contain, before memory is allocated."""
    unpacked = 0
    for left, top, across, down in header.passes:
        columns, rows = -(-(header.width - left) // across), -(-(header.height - top) // down)
        unpacked += rows * header.stride(columns) if columns > 0 and rows > 0 else 0
    if unpacked > _MOST_UNPACKED * (packed + 1):
        size = f"{header.width}x{header.height}"
        raise PictureError(f"it is damaged ({packed} bytes cannot hold {size} pixels)")


def _deep(
    header: PngHeader, transparent: bytes, packed: Iterable[bytes]
) -> tuple[Array, Array | None]:
    # A damaged entry, or one for a colour type that has alpha already.
    if len(transparent) != _TRANSPARENT.get(header.colour):
        transparent = b""
    count = header.channels + bool(transparent)
    decoded = np.empty((header.height, header.width, count), np.uint16)
    unpacker = _Unpacker(packed)
    for left, top, across, down in header.passes:
        # A view, so that each pass is written to its place.
        part = decoded[top::down, left::across]
        if part.size:
            _fill(part, header, transparent, unpacker)
    if count in (1, 3):
        return decoded, None
    return np.ascontiguousarray(decoded[..., :-1]), np.ascontiguousarray(decoded[..., -1])


def _fill(part: Array, header: PngHeader, transparent: bytes, unpacker: _Unpacker) -> None:
    """Decode one pass in bands. Each band starts with the row above it, which filters use."""
    rows, columns = part.shape[:2]
    stride = header.stride(columns)
    above = bytes(stride)
    for top in range(0, rows, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, rows - top)
        # Each band becomes a small PNG of its own, which libpng decodes.
        small = PngHeader(columns, count + 1, header.depth, header.colour, 0, 0, 0)
        # Level 0 stores the bytes: they are unpacked again at once.
        raw = zlib.compress(above + unpacker.read(count * stride), 0)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", *small)), (b"IDAT", raw), (b"IEND", b"")]
        if transparent:
            chunks.insert(1, (b"tRNS", transparent))
        encoded = SIGNATURE + b"".join(chunk(*each) for each in chunks)
        decoded = imagecodecs.png_decode(encoded).reshape(count + 1, columns, -1)[1:]
        part[top : top + count] = decoded
        last = decoded[-1, :, : header.channels]
        above = b"\x00" + last.astype(">u2").tobytes()  # filter type 0: none


class _Unpacker:
    """Decompresses data incrementally."""

    def __init__(self, packed: Iterable[bytes]) -> None:
        self._pieces = _pieces(packed)
        self._zlib = zlib.decompressobj()
        self._rest: bytes | memoryview = b""

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes."""
        unpacked = bytearray()
        while len(unpacked) < size:
            piece = self._zlib.decompress(self._rest, size - len(unpacked))
            self._rest = self._zlib.unconsumed_tail
            unpacked += piece
            if not piece and not self._rest:
                following = next(self._pieces, None)
                if following is None or self._zlib.eof:
                    raise PictureError(_TOO_SHORT)
                self._rest = following
        return bytes(unpacked)


def _pieces(packed: Iterable[bytes]) -> Iterator[memoryview]:
    """Split the data into short pieces, because zlib copies the rest of a piece each time."""
    for content in packed:
        for start in range(0, len(content), _BYTES_AT_ONCE):
            yield memoryview(content)[start : start + _BYTES_AT_ONCE]
