"""Recognition of raw files of cameras, whose embedded preview must not be read instead."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from restorekit.pictures.codecs.tiff_layout import TiffDirectory, TiffLayout

# Signatures of raw files that are not TIFF, and of CR2, which is: offset, bytes, name.
_MARKS = (
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"IIU\x00", "RW2"),
    (0, b"\x00MRM", "MRW"),
    (0, b"FOVb", "X3F"),
    (4, b"ftypcrx ", "CR3"),
    (6, b"HEAPCCDR", "CRW"),
    (8, b"CR\x02", "CR2"),
)
HEAD = 32  # bytes that contain these signatures
# Suffixes of raw files that are TIFF, often with a preview as the first page.
_SUFFIXES = frozenset(
    {
        *(".3fr", ".arw", ".cap", ".cr2", ".dcr", ".dcs", ".dng", ".erf", ".fff", ".iiq", ".k25"),
        *(".kdc", ".mef", ".mos", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raw", ".rw2", ".rwl"),
        *(".sr2", ".srf", ".srw"),
    }
)
_PHOTOMETRIC, _DNG_VERSION = 262, 50706
_SENSOR = (32803, 34892)  # colour filter array; linear raw of a DNG


def mark_of(head: bytes) -> str | None:
    """The kind of raw file with these first bytes; None for any other file."""
    found = (kind for start, mark, kind in _MARKS if head.startswith(mark, start))
    return next(found, None)


def kind_in(path: Path, head: bytes, layout: TiffLayout) -> str | None:
    """The kind of raw file that a TIFF is; None for any other TIFF.

    Args:
        path: path of the file; its suffix is used.
        head: the first bytes.
        layout: the directories.
    """
    # From certain to uncertain: signature, DNG tag, suffix, then the kind of pixels.
    if kind := mark_of(head):
        return kind
    if any(_DNG_VERSION in page.entries for page in layout.pages):
        return "DNG"
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return suffix[1:].upper()
    return "of unknown make" if _is_of_a_sensor(layout, _directories(layout)) else None


def refusal_message(kind: str) -> str:
    """The error message for a raw file."""
    return (
        f"it is a camera's raw file ({kind}), which cannot be developed yet; export a 16-bit TIFF "
        "from a raw developer and restore that"
    )


def _directories(layout: TiffLayout) -> Iterable[TiffDirectory]:
    # The first pages suffice: raw files have few, and long stacks would take time.
    for page in layout.pages[:16]:
        yield page
        yield from (found for _, found in layout.below(page))


def _is_of_a_sensor(layout: TiffLayout, directories: Iterable[TiffDirectory]) -> bool:
    return any(layout.value(found, _PHOTOMETRIC, -1) in _SENSOR for found in directories)
