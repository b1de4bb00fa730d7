"""Metadata that a format cannot hold: it is removed and named, never dropped silently."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from restorekit.pictures.metadata import xmp
from restorekit.pictures.picture import Metadata

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


def held_by(keeps: Collection[str], metadata: Metadata) -> Metadata:
    """The metadata in the given fields; `left_out` also names the rest."""
    if "notes" not in keeps:
        names = (note.name for note in metadata.notes)
        metadata = leaving_out(replace(metadata, notes=()), *names)
    if metadata.attached is not None and "attached" not in keeps:
        metadata = leaving_out(replace(metadata, attached=None), *metadata.attached.names)
    # Fields without a name (ink, alpha) describe the pixels and are never "left out".
    metadata = without(metadata, *(name for name in _NAMES if name not in keeps))
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
