"""How a JPEG file is put together: segments, coded pixels, and what follows the picture.

Format: https://www.w3.org/Graphics/JPEG/itu-t81.pdf
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

from restorekit.pictures.picture import PictureError, check_size

START, END = b"\xff\xd8", b"\xff\xd9"
COMMENT, SCAN = 0xFE, 0xDA
APP = 0xE0  # of the first of sixteen kinds of application segments
LONGEST_SEGMENT = 65_533  # bytes of content
_ALONE = {0x01, 0xD8, *range(0xD0, 0xD8)}  # markers without content
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# The least that a block of 8x8 pixels takes, in bits: of a Huffman code one each for its mean and
# for the end of the rest, which a progressive file holds apart; of an arithmetic code next to none.
_LEAST_BITS = {0xC0: 2.0, 0xC1: 2.0, 0xC2: 1.0, 0xC9: 1e-4, 0xCA: 1e-4}
_MOST_SCANS = 100  # each passes over all of the picture, and may be a few bytes
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class JpegSegment(NamedTuple):
    """A segment: its marker without the 0xFF, its content, and where in the file that begins."""

    marker: int
    content: bytes
    place: int

    def begins(self, app: int, name: bytes) -> bool:
        """Whether it is an application segment of this number whose content begins so."""
        return self.marker == APP + app and self.content.startswith(name)


@dataclass(frozen=True)
class JpegStructure:
    """The parts of a JPEG file.

    Attributes:
        segments: application segments and comments.
        coded: a JPEG file of all other parts, which is all that a decoder needs; with JFIF's and
            Adobe's segments, which say how colour is coded. Without the end marker where the file
            lacks it.
        end: where the picture ends and anything else in the file begins.
        is_ended: whether the end marker is there.
    """

    segments: tuple[JpegSegment, ...]
    coded: bytes
    end: int
    is_ended: bool


def take_apart(data: bytes) -> JpegStructure:
    """The parts of a JPEG file.

    Raises:
        PictureError: it is damaged, of a kind that is not read, too large, or too short for the
            size that it claims.
    """
    segments: list[JpegSegment] = []
    coded = [START]
    frame: JpegSegment | None = None
    scans = place = 0
    is_ended = False
    while (marker := _MARKER.search(data, place or len(START))) is not None:
        code, place = data[marker.end() - 1], marker.end()
        if code == END[1]:
            coded.append(END)
            is_ended = True
            break
        if code in _ALONE:
            continue
        segment, place = _segment(data, code, place)
        if code == SCAN:
            found = _END_OF_SCAN.search(data, place)
            place = len(data) if found is None else found.start()
            scans += 1
        if code in _FRAMES:
            frame = frame or segment
        is_about = APP <= code < APP + 16 or code == COMMENT
        if is_about:
            segments.append(segment)
        if not is_about or _says_colour(segment):
            coded.append(data[marker.start() : place])
    if frame is None or not scans:
        raise PictureError("it is damaged (it ends before its pixels)")
    end = place if is_ended else len(data)
    _check(frame, scans, sum(map(len, coded)))
    return JpegStructure(tuple(segments), b"".join(coded), end, is_ended)


def segment_bytes(marker: int, content: bytes) -> bytes:
    """A segment as it is in a file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _segment(data: bytes, marker: int, place: int) -> tuple[JpegSegment, int]:
    """The segment whose length is at a place, and where it ends."""
    length = int.from_bytes(data[place : place + 2], "big")
    if length < 2 or place + length > len(data):
        raise PictureError("it is damaged (it ends too early)")
    return JpegSegment(marker, data[place + 2 : place + length], place + 2), place + length


def _says_colour(segment: JpegSegment) -> bool:
    return segment.begins(0, b"JFIF\x00") or segment.begins(14, b"Adobe")


def _check(frame: JpegSegment, scans: int, size: int) -> None:
    """Refuse what cannot be decoded, or not in reasonable time, before anything is."""
    if frame.marker not in _LEAST_BITS:
        raise PictureError("it is a JPEG of a lossless or hierarchical kind, which is not read")
    if len(frame.content) < 6:
        raise PictureError("it is damaged (its frame has no size)")
    bits, height, width, count = struct.unpack_from(">BHHB", frame.content)
    if bits != 8:
        raise PictureError(f"it is a JPEG of {bits}-bit channels, which is not read")
    check_size(width, height)
    components = frame.content[6 : 6 + 3 * count]
    factors = [(value >> 4, value & 15) for value in components[1::3]]
    if len(factors) != count or not all(across and down for across, down in factors):
        raise PictureError("it is damaged (its channels have no size)")
    most_across, most_down = (max(each) for each in zip(*factors, strict=True))
    blocks = sum(
        -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
        for across, down in factors
    )
    if blocks * _LEAST_BITS[frame.marker] > 8 * size:
        raise PictureError(f"it is damaged ({size} bytes cannot hold {width}x{height} pixels)")
    if scans > _MOST_SCANS:
        raise PictureError(f"it has {scans} scans; at most {_MOST_SCANS} are read")
