"""The picture formats by suffix: what each can store, and what is omitted otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from restorekit.errors import ImageFileError, did_you_mean
from restorekit.pictures.metadata import xmp
from restorekit.pictures.picture import Metadata, Picture, PictureError
from restorekit.pictures.pixel_values import Depth


@dataclass(frozen=True)
class Format:
    """What a format can store.

    Attributes:
        name: name of the format.
        keeps: fields of `Metadata` that are written.
        depths: depths of a channel, ascending.
        gray: whether gray is stored as one channel, not as three equal ones.
        alpha: whether it stores transparency.
        pages: whether it stores several pages.
    """

    name: str
    keeps: frozenset[str]
    depths: tuple[Depth, ...] = (8,)
    gray: bool = True
    alpha: bool = True
    pages: bool = False


# Names, for messages, of the metadata fields that a format may not support.
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
_JPEG = Format("JPEG", _COMMON | {"dpi", "comment", "iptc", "attached"}, alpha=False)
_TIFF_KEEPS = _COMMON | {"dpi", "density", "iptc", "notes"}
_TIFF = Format("TIFF", _TIFF_KEEPS, depths=(8, 16, "float"), pages=True)
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
    """The format for the suffix of a path.

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


def check_channels(kind: Format, picture: Picture) -> None:
    """Check that a format can store the channels of a picture.

    Raises:
        PictureError: the picture has extra channels or transparency that the format cannot store.
    """
    if picture.extra and not kind.pages:
        channels = picture.pixels.shape[2] + (picture.alpha is not None)
        raise PictureError(
            f"its format holds gray or colour, and the picture has {channels} channels; "
            "use one of: .tif, .tiff"
        )
    if not kind.alpha and picture.alpha is not None and not picture.is_opaque:
        keeping = ", ".join(suffix for suffix, format in FORMATS.items() if format.alpha)
        raise PictureError(
            f"its format has no transparency and the picture does; use one of: {keeping}"
        )


def held_by(kind: Format, metadata: Metadata) -> Metadata:
    """The metadata that a format can store; `left_out` also names the rest."""
    if "notes" not in kind.keeps:
        names = (note.name for note in metadata.notes)
        metadata = leaving_out(replace(metadata, notes=()), *names)
    if metadata.attached is not None and "attached" not in kind.keeps:
        metadata = leaving_out(replace(metadata, attached=None), *metadata.attached.names)
    # Fields without a name (ink, alpha) describe the pixels and are never "left out".
    metadata = without(metadata, *(name for name in _NAMES if name not in kind.keeps))
    # Last, since it depends on whether attachments are kept.
    return without_claims(metadata)


def without_claims(metadata: Metadata) -> Metadata:
    """The metadata with XMP that does not refer to a video or gain map that is not attached."""
    if metadata.xmp is None:
        return metadata
    attached = metadata.attached
    packet, _ = xmp.without_claims(
        metadata.xmp,
        attached=attached is None or not attached.tail,
        extended=attached is None or not attached.is_extended,
    )
    return without(metadata, "xmp") if packet is None else replace(metadata, xmp=packet)


def without(metadata: Metadata, *fields: str) -> Metadata:
    """The metadata without some of its fields; `left_out` also names those that are set."""
    lost = [field for field in fields if getattr(metadata, field)]
    cleared = {field: getattr(Metadata(), field) for field in lost}
    return replace(leaving_out(metadata, *(_NAMES[field] for field in lost)), **cleared)


def leaving_out(metadata: Metadata, *names: str) -> Metadata:
    """The metadata with more names in `left_out`, each once."""
    return replace(metadata, left_out=tuple(dict.fromkeys((*metadata.left_out, *names))))
