"""What picture formats can hold, by the suffix of the file, and what is left out of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restorekit.data.picture import Depth, Metadata
from restorekit.errors import ImageFileError, did_you_mean


@dataclass(frozen=True)
class Format:
    """What a file can hold: the depths of a channel, ascending, gray, alpha, several pages.

    `keeps` names the fields of `Metadata` that are written to it.
    """

    name: str
    keeps: frozenset[str]
    depths: tuple[Depth, ...] = (8,)
    gray: bool = True  # as one channel; else as three equal ones
    alpha: bool = True
    pages: bool = False


# The fields of `Metadata` that a format may or may not hold, as messages call them.
_NAMES: Mapping[str, str] = {
    "exif": "EXIF",
    "icc_profile": "ICC profile",
    "dpi": "resolution",
    "xmp": "XMP",
    "colour_chunks": "PNG colour chunks",
    "density": "resolution without a unit",
    "text_chunks": "PNG texts",
    "comment": "JPEG comment",
    "iptc": "IPTC",
}

_COMMON = frozenset({"exif", "icc_profile", "xmp"})
_JPEG = Format("JPEG", _COMMON | {"dpi", "comment", "iptc"}, alpha=False)
_TIFF = Format("TIFF", _COMMON | {"dpi", "density", "iptc"}, depths=(8, 16, "float"), pages=True)
FORMATS: Mapping[str, Format] = {
    ".png": Format("PNG", _COMMON | {"dpi", "colour_chunks", "text_chunks"}, depths=(8, 16)),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format("BMP", frozenset({"dpi"}), alpha=False),
    ".webp": Format("WebP", _COMMON, gray=False),
}
SUFFIXES = tuple(FORMATS)


def format_for(path: str | Path) -> Format:
    """What a file of that suffix can hold.

    Raises:
        ImageFileError: no format has this suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        given = f"with suffix '{suffix}'" if suffix else "without a suffix"
        raise ImageFileError(
            f"cannot write '{path}' {given}.{did_you_mean(suffix, SUFFIXES)} "
            f"One of: {', '.join(SUFFIXES)}"
        )
    return FORMATS[suffix]


def held_by(kind: Format, metadata: Metadata) -> Metadata:
    """The metadata that a format holds; `left_out` also names what it does not."""
    lost = [name for name in _NAMES if name not in kind.keeps and getattr(metadata, name)]
    return replace(leaving_out(metadata, *(_NAMES[name] for name in lost)), **_cleared(lost))


def leaving_out(metadata: Metadata, *names: str) -> Metadata:
    """The metadata with more names in `left_out`, each once."""
    return replace(metadata, left_out=tuple(dict.fromkeys((*metadata.left_out, *names))))


def _cleared(names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(Metadata(), name) for name in names}
