"""JPEG files. Pillow encodes and decodes the pixels; metadata is read and written here.

The decoder gets only what it needs (see `jpeg_structure`), so that damaged metadata causes neither
an error nor a warning.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from restorekit.errors import warn
from restorekit.pictures.codecs import jpeg_attachments
from restorekit.pictures.codecs.jpeg_structure import (
    APP,
    COMMENT,
    END,
    LONGEST_SEGMENT,
    START,
    JpegSegment,
    JpegStructure,
    segment_bytes,
    take_apart,
)
from restorekit.pictures.codecs.pillow_files import image_arrays, quantization_tables, to_pil_image
from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.left_out import without
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.pixel_values import Array

SIGNATURE = b"\xff\xd8\xff"
_EXIF, _XMP = exif.PREFIX, b"http://ns.adobe.com/xap/1.0/\x00"
_PROFILE, _PHOTOSHOP = b"ICC_PROFILE\x00", b"Photoshop 3.0\x00"
_PROFILE_PART = LONGEST_SEGMENT - len(_PROFILE) - 2
_IPTC = 0x0404  # number of the Photoshop resource
# Resources that are wrong after restoring or written elsewhere, so that no loss is reported.
_OF_NO_USE = {0x03ED, 0x0409, 0x040C, 0x0425}  # resolution, thumbnails, a digest
# Segments that are read or written again: number of the kind, and beginning of the content.
_KNOWN = (
    (0, b"JFIF\x00"),
    (1, _EXIF),
    (1, _XMP),
    (1, b"http://ns.adobe.com/xmp/extension/\x00"),
    (2, _PROFILE),
    (2, b"MPF\x00"),
    (2, b"urn:iso:std:iso:ts:21496:-1\x00"),
    (13, _PHOTOSHOP),
    (14, b"Adobe"),
)
_NAMED = (
    (0, b"JFXX\x00", "JFIF thumbnail"),
    (2, b"FPXR\x00", "FlashPix"),
    (11, b"JP", "content credentials (JUMBF)"),
    (12, b"Ducky", "Photoshop quality"),
)
# Bits that would change pixels, were they decoded as such.
_NOT_PIXELS = b"\x5a" * 512


def read(path: Path) -> tuple[Array, Metadata]:
    """Read the pixels (H, W, C) of uint8, without turning them upright, and the metadata.

    CMYK is converted to RGB without its profile.

    Raises:
        PictureError: the file is damaged or not supported.
        Exception: any that Pillow raises for damaged pixels.

    Warns:
        RestoreWarning: the end marker is missing, but the picture is complete.
    """
    data = path.read_bytes()
    structure = take_apart(data)
    if not structure.is_ended:
        structure = _ended(structure)
        warn(f"'{path}' lacks its end marker, but the picture is complete")
    with JpegImageFile(io.BytesIO(structure.coded)) as image:
        image.load()
        pixels, _ = image_arrays(image)
        metadata = _metadata(data, structure, image.mode == "CMYK")
        return pixels, replace(metadata, quantization=quantization_tables(image))


def write(picture: Picture, file: IO[bytes], quality: int | None) -> None:
    """Write an opaque picture, by default with quality 95 and full-resolution colour.

    A picture with a gain map or further views is written in its original orientation, because
    these are not turned.
    """
    attached = picture.metadata.attached
    if attached is not None and attached.orientation != 1:
        picture = _laid_back(picture, attached.orientation)
    # Subsampled chroma would blur what was just restored.
    options: dict[str, object] = {"quality": quality or 95, "subsampling": "4:4:4"}
    dpi = picture.metadata.dpi
    encoded = io.BytesIO()
    to_pil_image(picture).save(encoded, "JPEG", **options, **({"dpi": dpi} if dpi else {}))
    coded = encoded.getvalue()
    end = len(START) + 2 + int.from_bytes(coded[4:6], "big")  # of the JFIF segment, which is first
    head = coded[:end] + b"".join(_segments(picture.metadata))
    if attached is None:
        file.write(head)
        file.write(coded[end:])
    else:
        file.write(jpeg_attachments.append(head, coded[end:], attached))


def fitting(metadata: Metadata) -> Metadata:
    """Remove metadata that is too long for this format; `left_out` names it."""
    # A segment has a length of 16 bits; only the ICC profile may be split into several.
    lengths = {
        "exif": (metadata.exif, LONGEST_SEGMENT - len(_EXIF)),
        "xmp": (metadata.xmp, LONGEST_SEGMENT - len(_XMP)),
        "iptc": (metadata.iptc, LONGEST_SEGMENT - len(_PHOTOSHOP) - 13),
        "icc_profile": (metadata.icc_profile, 255 * _PROFILE_PART),
        "comment": (metadata.comment, LONGEST_SEGMENT),
    }
    return without(
        metadata, *(n for n, (value, most) in lengths.items() if len(value or b"") > most)
    )


def _segments(metadata: Metadata) -> Iterator[bytes]:
    """Convert metadata to segments; EXIF comes first, as its standard requires."""
    if metadata.exif is not None:
        yield segment_bytes(APP + 1, _EXIF + metadata.exif)
    if metadata.xmp is not None:
        yield segment_bytes(APP + 1, _XMP + metadata.xmp)
    if metadata.icc_profile is not None:
        starts = range(0, len(metadata.icc_profile), _PROFILE_PART)
        for number, start in enumerate(starts, 1):
            part = metadata.icc_profile[start : start + _PROFILE_PART]
            yield segment_bytes(APP + 2, _PROFILE + bytes((number, len(starts))) + part)
    if metadata.iptc is not None:
        yield segment_bytes(APP + 13, _PHOTOSHOP + _resource(_IPTC, metadata.iptc))
    if metadata.comment is not None:
        yield segment_bytes(COMMENT, metadata.comment)


def _ended(structure: JpegStructure) -> JpegStructure:
    """Add the missing end marker, if the picture is complete.

    A decoder fills in missing pixels, and the result depends on the bits that follow. If all pixels
    are present, it skips these bits. So the file is decoded with and without extra bits, and the
    results are compared.
    """
    coded = structure.coded.removesuffix(END[:1])
    ends = (END, _NOT_PIXELS + END)
    one, other = (JpegImageFile(io.BytesIO(coded + end)) for end in ends)
    if not np.array_equal(np.asarray(one), np.asarray(other)):
        raise OSError("it ends too early")
    return replace(structure, coded=coded + END)


def _laid_back(picture: Picture, orientation: int) -> Picture:
    """Turn an upright picture back to an orientation."""
    metadata, is_swapped = picture.metadata, orientation >= 5
    if metadata.exif is not None:
        metadata = replace(metadata, exif=exif.turned(metadata.exif, orientation, is_swapped))
    if metadata.xmp is not None:
        metadata = replace(metadata, xmp=xmp.turned(metadata.xmp, orientation, is_swapped))
    # All orientations are their own inverse, except the two rotations by 90 degrees.
    back = {6: 8, 8: 6}.get(orientation, orientation)
    pixels = np.ascontiguousarray(exif.turn(picture.pixels, back))
    return replace(picture, pixels=pixels, metadata=metadata)


def _metadata(data: bytes, structure: JpegStructure, is_ink: bool) -> Metadata:
    segments = structure.segments
    block = b"".join(_contents(segments, 1, _EXIF)) or None
    attached, had_previews = jpeg_attachments.find(data, structure, exif.orientation_of(block))
    resources = dict(_resources(b"".join(_contents(segments, 13, _PHOTOSHOP))))
    # Read after the joining of all parts, because a resource may be split between segments.
    iptc = resources.pop(_IPTC, None)
    left_out = ["preview"] * had_previews
    left_out += [name for segment in segments if (name := _name_of(segment)) is not None]
    if not resources.keys() <= _OF_NO_USE:
        left_out.append("Photoshop resources")
    return Metadata(
        exif=block,
        icc_profile=_profile(_contents(segments, 2, _PROFILE)),
        dpi=_density(segments) or exif.resolution(block),
        xmp=next(iter(_contents(segments, 1, _XMP)), None) or None,
        comment=next((s.content for s in segments if s.marker == COMMENT), None) or None,
        iptc=iptc or None,
        ink=is_ink,
        attached=attached,
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _contents(segments: Sequence[JpegSegment], app: int, name: bytes) -> list[bytes]:
    """The contents of the segments of a kind, without their names."""
    return [each.content[len(name) :] for each in segments if each.begins(app, name)]


def _name_of(segment: JpegSegment) -> str | None:
    """Name of a segment that is left out; None for one that is kept."""
    if segment.marker == COMMENT or any(segment.begins(*known) for known in _KNOWN):
        return None
    for app, start, name in _NAMED:
        if segment.begins(app, start):
            return name
    return f"segment APP{segment.marker - APP}"


def _profile(parts: Sequence[bytes]) -> bytes | None:
    """Join the parts of an ICC profile; each begins with its number and the number of parts."""
    # By number: the parts may be in any order.
    ordered = sorted(part for part in parts if len(part) > 2)
    if not ordered or [part[0] for part in ordered] != list(range(1, ordered[0][1] + 1)):
        return None
    return b"".join(part[2:] for part in ordered)


def _density(segments: Sequence[JpegSegment]) -> tuple[float, float] | None:
    """The resolution in the JFIF segment, in pixels per inch."""
    for content in _contents(segments, 0, b"JFIF\x00"):
        if len(content) >= 7:
            unit, across, down = struct.unpack_from(">BHH", content, 2)
            factor = {1: 1.0, 2: 2.54}.get(unit)
            return (across * factor, down * factor) if factor and across and down else None
    return None


def _resources(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Photoshop resources by number, up to a damaged one."""
    place = 0
    while content[place : place + 4] == b"8BIM" and place + 12 <= len(content):
        (number,) = struct.unpack_from(">H", content, place + 4)
        start = place + 7 + content[place + 6]  # after a name, which is usually empty
        start += start % 2
        size = int.from_bytes(content[start : start + 4], "big")
        if len(held := content[start + 4 : start + 4 + size]) < size:
            return
        yield number, held
        place = start + 4 + size + size % 2


def _resource(number: int, content: bytes) -> bytes:
    """Encode a Photoshop resource without a name."""
    head = struct.pack(">4sHHI", b"8BIM", number, 0, len(content))
    return head + content + bytes(len(content) % 2)
