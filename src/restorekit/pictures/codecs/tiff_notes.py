"""Notes of programs in a TIFF (OME-XML, ImageJ, GeoTIFF), and names of what is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tifffile

from restorekit.pictures.metadata.exif import DESCRIPTIVE, DIRECTORIES, is_note
from restorekit.pictures.metadata.program_notes import Note, Tag, is_of_tifffile

_DESCRIPTION, _IMAGEJ, _NO_DATA = 270, 50839, 42113
# Entries that are kept unchanged, by code.
_KEPT: Mapping[int, str] = {
    **dict.fromkeys((33550, 33922, 34264, 34735, 34736, 34737), "GeoTIFF"),
    42112: "GDAL metadata",
    _NO_DATA: "GDAL no-data value",
}
_OF_VALUES = (_NO_DATA,)
# Entries that describe the layout of the file and are written again, or are read elsewhere.
_LAYOUT = frozenset(
    {
        *range(254, 260), *range(262, 267), 273, 274, *range(277, 285), 288, 289, 292, 293, 296,
        317, *range(320, 331), 332, 338, 339, 340, 341, 347, *range(512, 522), *range(529, 533),
        700, 33723, 34675, 40965, 50838, _IMAGEJ,
    }
)  # fmt: skip
_OME_TYPE = re.compile(rb'(<Pixels\b[^>]*?\bType=")[^"]*(")')
_OME_BITS = re.compile(rb'(<Pixels\b[^>]*?)\s+SignificantBits="[^"]*"')
_OME_NAMES = {"f4": b"float", "f8": b"double"}
_RANGE_OF_IMAGEJ = re.compile(rb"^(min|max)=[^\n\x00]*\n?", re.MULTILINE)


def notes_of(page: tifffile.TiffPage) -> tuple[Note, ...]:
    """The notes of a page that are kept."""
    return (*_description(page), *_of_imagej(page), *_as_they_are(page))


def left_out_of(page: tifffile.TiffPage) -> Iterator[str]:
    """Names of the entries of a page that are neither read nor kept."""
    for tag in page.tags:
        known = tag.code in _LAYOUT or tag.code in DESCRIPTIVE or tag.code in DIRECTORIES
        if not known and tag.code not in _KEPT:
            yield f"TIFF tag {tag.name if tag.name != str(tag.code) else tag.code}"
    text = page.description
    if is_of_tifffile(text):
        yield from _metadata_of_tifffile(text)
    if _is_ome(text.encode()) and _is_of_several_files(text):
        yield "OME-XML (of several files)"


def fitted(tag: Tag, dtype: np.dtype[Any]) -> Tag:
    """Adapt an entry to the type of the pixels, which OME-XML contains."""
    code, kind, _, value, once = tag
    if code != _DESCRIPTION or not isinstance(value, bytes) or not _is_ome(value):
        return tag
    if f'Type="{_ome_name(dtype).decode()}"'.encode() in value:
        return tag
    text = _OME_TYPE.sub(rb"\g<1>" + _ome_name(dtype) + rb"\g<2>", value)
    # Optional, and no longer true at another depth.
    text = _OME_BITS.sub(rb"\g<1>", text)
    return code, kind, len(text), text, once


def _description(page: tifffile.TiffPage) -> Iterator[Note]:
    text = page.description
    value = page.tags.valueof(_DESCRIPTION)
    if not isinstance(value, str) or not is_note(value) or text.startswith("{"):
        return
    data = value.encode() + b"\x00"
    tags: tuple[Tag, ...] = ((_DESCRIPTION, "s", len(data), data, True),)
    if _is_ome(data):
        if not _is_of_several_files(text):
            yield Note("OME-XML", tags, is_of_places=True)
        return
    plain = _RANGE_OF_IMAGEJ.sub(b"", data)
    if plain == data:
        yield Note("ImageJ's description", tags)
    else:
        other: tuple[Tag, ...] = ((_DESCRIPTION, "s", len(plain), plain, True),)
        yield Note("ImageJ's description", tags, other, "ImageJ's display range")


def _metadata_of_tifffile(description: str) -> Iterator[str]:
    """Names of what tifffile has stored in a description, except the shape."""
    try:
        # These two describe the layout, which is written again.
        names = set(json.loads(description)) - {"shape", "truncated"}
    except (ValueError, RecursionError):
        names = {"damaged"}
    if "axes" in names:
        yield "axes (tifffile)"
    if names - {"axes"}:
        yield "metadata (tifffile)"


def _of_imagej(page: tifffile.TiffPage) -> Iterator[Note]:
    noted = page.tags.valueof(_IMAGEJ)
    if not isinstance(noted, dict) or not noted:
        return
    name = f"ImageJ's {', '.join(noted)}"
    without = {key: value for key, value in noted.items() if key != "Ranges"}
    other = None if len(without) == len(noted) else _imagej_tags(without)
    yield Note(name, _imagej_tags(noted), other, "ImageJ's Ranges")


def _imagej_tags(noted: dict[str, object]) -> tuple[Tag, ...]:
    return tuple(tifffile.imagej_metadata_tag(noted, "<"))


def _as_they_are(page: tifffile.TiffPage) -> Iterator[Note]:
    found: dict[str, list[Tag]] = {}
    for code, name in _KEPT.items():
        if (tag := page.tags.get(code)) is not None:
            # tifffile counts the characters of a text itself.
            count = 0 if isinstance(tag.value, str) else tag.count
            entry = (code, int(tag.dtype), count, tag.value, True)
            found.setdefault(name, []).append(entry)
    for name, tags in found.items():
        of_values = any(tag[0] in _OF_VALUES for tag in tags)
        yield Note(name, tuple(tags), () if of_values else None, name, name == "GeoTIFF")


def _is_ome(text: bytes) -> bool:
    # Near the start: the whole XML of a large stack can have megabytes.
    return b"<OME" in text[:4096]


def _is_of_several_files(text: str) -> bool:
    return "<BinaryOnly" in text or len(set(re.findall(r'FileName="([^"]*)"', text))) > 1


def _ome_name(dtype: np.dtype[Any]) -> bytes:
    return _OME_NAMES.get(dtype.str[1:], dtype.name.encode())
