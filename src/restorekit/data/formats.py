"""What picture formats can hold, by the suffix of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from restorekit.data.picture import Depth
from restorekit.errors import ImageFileError, did_you_mean


@dataclass(frozen=True)
class Format:
    """What a file can hold: the depths of a channel, ascending, gray, alpha, several pages."""

    name: str
    depths: tuple[Depth, ...] = (8,)
    gray: bool = True  # as one channel; else as three equal ones
    alpha: bool = True
    pages: bool = False


_JPEG = Format("JPEG", alpha=False)
_TIFF = Format("TIFF", depths=(8, 16, "float"), pages=True)
FORMATS: Mapping[str, Format] = {
    ".png": Format("PNG", depths=(8, 16)),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format("BMP", alpha=False),
    ".webp": Format("WebP", gray=False),
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
