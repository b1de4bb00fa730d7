"""The structure of JPEG files: segments, coded pixels, and the end of the picture.

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
APP = 0xE0  # marker of the first of 16 kinds of application segments
LONGEST_SEGMENT = 65_533  # bytes of content
_ALONE = {0x01, 0xD8, *range(0xD0, 0xD8)}  # markers without content
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Smallest size of a block of 8x8 pixels in bits. A Huffman code needs one for the mean and one for
# the end of the block, which a progressive file stores separately; an arithmetic code needs less.
_LEAST_BITS = {0xC0: 2.0, 0xC1: 2.0, 0xC2: 1.0, 0xC9: 1e-4, 0xCA: 1e-4}
_MOST_SCANS = 100  # a scan of a few bytes costs a pass over the whole picture
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class JpegSegment(NamedTuple):
    """A segment: its marker without 0xFF, its content, and the offset of the content."""

    marker: int
    content: bytes
    place: int

    def begins(self, app: int, name: bytes) -> bool:
        """Whether it is the application segment `app`, and its content begins with `name`."""
        return self.marker == APP + app and self.content.startswith(name)


@dataclass(frozen=True)
class JpegStructure:
    """The parts of a JPEG file.

    Attributes:
        segments: application segments and comments.
        coded: a JPEG file of all other parts, which a decoder needs, and of the JFIF and Adobe
            segments, which define the colour space. It lacks the end marker if the file does.
        end: offset of the end of the picture; other data may follow.
        is_ended: whether the file has an end marker.
    """

    segments: tuple[JpegSegment, ...]
    coded: bytes
    end: int
    is_ended: bool


def take_apart(data: bytes) -> JpegStructure:
    """Split a JPEG file into its parts.

    Raises:
        PictureError: the file is damaged, of an unsupported kind, too large, or too short for its
            declared size.
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
            # In coded pixels, 0xFF is followed by 0, by a restart marker or by padding.
            found = _END_OF_SCAN.search(data, place)
            place = len(data) if found is None else found.start()
            scans += 1
        if code in _FRAMES:
            # A decoder uses the first one; a later one could declare a smaller picture to pass the
            # check.
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
    """Encode a segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _segment(data: bytes, marker: int, place: int) -> tuple[JpegSegment, int]:
    """The segment whose length is at `place`, and the offset of its end."""
    length = int.from_bytes(data[place : place + 2], "big")
    if length < 2 or place + length > len(data):
        raise PictureError("it is damaged (it ends too early)")
    return JpegSegment(marker, data[place + 2 : place + length], place + 2), place + length


def _says_colour(segment: JpegSegment) -> bool:
    return segment.begins(0, b"JFIF\x00") or segment.begins(14, b"Adobe")


def _check(frame: JpegSegment, scans: int, size: int) -> None:
    """Reject files that cannot be decoded in reasonable time, before decoding."""
    if frame.marker not in _LEAST_BITS:
        raise PictureError("it is a lossless or hierarchical JPEG, which is not supported")
    if len(frame.content) < 6:
        raise PictureError("it is damaged (its frame has no size)")
    bits, height, width, count = struct.unpack_from(">BHHB", frame.content)
    if bits != 8:
        raise PictureError(f"it is a JPEG with {bits}-bit channels, which is not supported")
    check_size(width, height)
    components = frame.content[6 : 6 + 3 * count]
    factors = [(value >> 4, value & 15) for value in components[1::3]]
    if len(factors) != count or not all(across and down for across, down in factors):
        raise PictureError("it is damaged (its channels have no size)")
    most_across, most_down = (max(each) for each in zip(*factors, strict=True))
    blocks = sum(
        # Channels with a smaller factor, usually chroma, have fewer blocks.
        -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
        for across, down in factors
    )
    if blocks * _LEAST_BITS[frame.marker] > 8 * size:
        raise PictureError(f"it is damaged ({size} bytes cannot hold {width}x{height} pixels)")
    if scans > _MOST_SCANS:
        raise PictureError(f"it has {scans} scans; at most {_MOST_SCANS} are read")
