"""Gain maps, further views and videos in the JPEG files of phones.

They follow the picture in the file. An index segment (Multi-Picture Format, CIPA DC-007) lists the
pictures among them. XMP locates the others by their distance from the end of the file or by their
lengths. Therefore they are copied byte for byte, and the index is written again.

A gain map is the ratio of the bright and the plain rendition of a picture, at reduced size.
Restoring keeps the local mean of the plain rendition, so the ratio remains valid. A video does not
depend on the picture. A preview is a reduced copy of the noisy picture, and is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from restorekit.pictures.codecs.jpeg_structure import APP, JpegStructure, segment_bytes
from restorekit.pictures.metadata.attachments import Attachments, View

_INDEX = b"MPF\x00"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\x00"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\x00"
_GAIN_MAP_MARKS = (_GAIN_MAP, b"hdr-gain-map", b"HDRGainMap")
_KEPT_SEGMENTS = ((1, _EXTENDED_XMP), (2, _GAIN_MAP))
_VERSION, _COUNT, _ENTRIES = 0xB000, 0xB001, 0xB002
_ENTRY = "IIIHH"  # attributes, size, offset, numbers of two dependent entries
_CLASS, _PREVIEW = 0xFF0000, 0x010000  # the kind of a picture in its attributes


def find(
    data: bytes, structure: JpegStructure, orientation: int
) -> tuple[Attachments | None, bool]:
    """Find the attachments of a JPEG file; also return whether previews were left out."""
    kept = [
        segment
        for segment in structure.segments
        if any(segment.begins(app, name) for app, name in _KEPT_SEGMENTS)
    ]
    views = _views(data, structure)
    tail = data[structure.end :]
    previews = [view for view in views[1:] if view.attributes & _CLASS == _PREVIEW]
    # From the end, so that the offsets of the previews before it stay valid.
    for preview in sorted(previews, key=lambda view: -view.start):
        tail = tail[: preview.start] + tail[preview.start + preview.size :]
    if previews:
        views = [_moved(view, previews) for view in views if view not in previews]
    # Zero bytes are padding. Without a tail, only extended XMP has anything to describe.
    if not tail.strip(b"\x00"):
        tail, views = b"", []
        kept = [segment for segment in kept if segment.begins(1, _EXTENDED_XMP)]
        if not kept:
            return None, bool(previews)
    has_gain_map = any(mark in data for mark in _GAIN_MAP_MARKS)
    names = _names(tail, len(views) > 1, has_gain_map)
    is_extended = any(segment.begins(1, _EXTENDED_XMP) for segment in kept)
    names += ["extended XMP"] * is_extended
    segments = [segment_bytes(segment.marker, segment.content) for segment in kept]
    found = Attachments(tuple(names), tail, tuple(views), tuple(segments), is_extended, orientation)
    return found, bool(previews)


def append(head: bytes, picture: bytes, attached: Attachments) -> bytes:
    """Join a JPEG file and its attachments.

    Args:
        head: the beginning of the file with the application segments.
        picture: the other segments, up to the end marker.
        attached: the attachments.
    """
    head += b"".join(attached.segments)
    if len(attached.views) > 1:
        # Offsets are relative to the content of the index segment after its name.
        base = len(head) + 4 + len(_INDEX)
        # The index contains the size of the file that contains it, so its length is taken first.
        end = len(head) + len(segment_bytes(APP + 2, _index(attached, 0, 0))) + len(picture)
        head += segment_bytes(APP + 2, _index(attached, end, end - base))
    return head + picture + attached.tail


def _index(attached: Attachments, end: int, offset: int) -> bytes:
    """The index of a file whose picture has `end` bytes and whose tail is at `offset`."""
    first, *others = attached.views
    entries = [(first.attributes, end, 0, *first.depends)]
    entries += [(view.attributes, view.size, offset + view.start, *view.depends) for view in others]
    content = b"".join(struct.pack(f"<{_ENTRY}", *entry) for entry in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, 3)
    head += struct.pack("<HHI4s", _VERSION, 7, 4, b"0100")
    head += struct.pack("<HHII", _COUNT, 4, 1, len(entries))
    head += struct.pack("<HHII", _ENTRIES, 7, len(content), len(head) + 12 + 4)
    return _INDEX + head + bytes(4) + content


def _views(data: bytes, structure: JpegStructure) -> list[View]:
    """The pictures in the index of the file; empty if it has no index."""
    views: list[View] = []
    segment = next((s for s in structure.segments if s.begins(2, _INDEX)), None)
    if segment is None:
        return views
    # From offsets within the index segment to offsets from the end of the first picture.
    base = segment.place + len(_INDEX) - structure.end
    for attributes, size, offset, *depends in _entries(segment.content[len(_INDEX) :]):
        view = View(attributes, base + offset, size, (depends[0], depends[1]))
        # The first entry is the picture itself, whose offset is 0 by definition.
        is_inside = view.start >= 0 and size and structure.end + view.start + size <= len(data)
        if not views or is_inside:
            views.append(view)
    return views


def _entries(block: bytes) -> Sequence[tuple[int, ...]]:
    """The entries of an index; empty if it is damaged."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None:
        return []
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            code, _, size, offset = struct.unpack_from(f"{order}HHII", block, place)
            if code == _ENTRIES:
                whole = block[offset : offset + size - size % 16]
                return list(struct.iter_unpack(f"{order}{_ENTRY}", whole))
    except struct.error:
        pass
    return []


def _moved(view: View, removed: Sequence[View]) -> View:
    """Update a view after others are removed; numbers of dependent entries are cleared."""
    before = sum(other.size for other in removed if other.start < view.start)
    return view._replace(start=view.start - before, depends=(0, 0))


def _names(tail: bytes, has_views: bool, has_gain_map: bool) -> list[str]:
    """Names of the data after a picture, as far as it is recognised."""
    names = []
    if has_gain_map and (has_views or b"\xff\xd8\xff" in tail):
        names.append("gain map")
    elif has_views:
        names.append("further views")
    if b"ftyp" in tail:
        names.append("video")
    return names or ["data after the picture"] * bool(tail)
