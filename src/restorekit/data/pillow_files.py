"""JPEG, WebP and BMP files, and PNG of up to 8 bits: those that Pillow reads as they are."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from restorekit.data.exif import PREFIX, bare
from restorekit.data.picture import (
    Array,
    Metadata,
    Picture,
    PictureError,
    check_size,
    separate_alpha,
)

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_ROWS_AT_ONCE = 256
_LARGEST_SEGMENT = 65_533  # what one segment of a JPEG can hold
_IPTC = 0x0404  # among Photoshop's resources
_LIMIT = threading.Lock()


def read(path: Path) -> tuple[Array, Array | None, Metadata]:
    """The pixels (H, W, C) of uint8, the alpha (H, W) or None, and the metadata of a file.

    Ink (CMYK) is turned into RGB without its profile, palettes into their colours.

    Raises:
        PictureError: the file holds several pictures, too large a one, or one of another kind.
        OSError, ...: whatever Pillow raises for damaged files.
    """
    with _without_limit(), Image.open(path, formats=_FORMATS) as image:
        check_size(*image.size)
        # A JPEG with further views in it, as phones write them, is an "MPO": its first is meant.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise PictureError("it holds several pictures, as only a TIFF file may")
        if image.mode not in MODES:
            raise PictureError(f"its pixels are of kind '{image.mode}', not gray or colour")
        image.load()
        pixels, alpha = _arrays(image)
        return pixels, alpha, _metadata(image)


def write_jpeg(picture: Picture, file: IO[bytes], quality: int | None) -> None:
    """Write an opaque picture, in quality 95 and full-resolution colour where nothing is said.

    EXIF of more than 64 KiB, which this format cannot hold, is left out.
    """
    # Subsampled chroma would blur what was just restored.
    options: dict[str, Any] = {"quality": quality or 95, "subsampling": "4:4:4"}
    kept = info_of(picture.metadata)
    if len(kept.get("exif", b"")) > _LARGEST_SEGMENT:
        del kept["exif"]
    if picture.metadata.iptc is not None:
        kept["extra"] = _iptc_segment(picture.metadata.iptc)
    _image(picture).save(file, "JPEG", **options, **kept)


def write_webp(picture: Picture, file: IO[bytes], quality: int | None) -> None:
    """Write a picture without loss, unless a quality is given, which halves colour's resolution."""
    # `exact` keeps the colour of fully transparent pixels.
    options: dict[str, Any] = {"lossless": True, "exact": True}
    if quality is not None:
        options = {"quality": quality, "method": 4}
    kept = info_of(picture.metadata)
    kept.pop("dpi", None)
    _image(separate_alpha(picture)).save(file, "WEBP", **options, **kept)


def write_bmp(picture: Picture, file: IO[bytes]) -> None:
    """Write an opaque picture; of the metadata, this format holds the resolution only."""
    dpi = picture.metadata.dpi
    _image(picture).save(file, "BMP", **({"dpi": dpi} if dpi else {}))


def ink_to_colour(levels: Array) -> Array:
    """(H, W, 4) of cyan, magenta, yellow, black in uint8 as RGB, the way Pillow turns it."""
    return np.asarray(Image.fromarray(levels, "CMYK").convert("RGB"))


def _arrays(image: Image.Image) -> tuple[Array, Array | None]:
    gray = image.mode in ("1", "L", "LA")
    mode, count = ("L", 1) if gray else ("RGB", 3)
    pixels = np.empty((image.height, image.width, count), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8) if image.has_transparency_data else None
    # In bands, since a whole conversion takes twice what the result does.
    for top in range(0, image.height, _ROWS_AT_ONCE):
        end = min(top + _ROWS_AT_ONCE, image.height)
        band = image.crop((0, top, image.width, end))
        if alpha is not None:
            band = band.convert("LA" if gray else "RGBA")
            alpha[top:end] = np.asarray(band.getchannel("A"))
        pixels[top:end] = np.asarray(band.convert(mode)).reshape(end - top, image.width, count)
    return pixels, alpha


def _image(picture: Picture) -> Image.Image:
    return Image.fromarray(picture.channels())


def _metadata(image: Image.Image) -> Metadata:
    info = image.info
    profile, packet, dpi = info.get("icc_profile"), info.get("xmp"), info.get("dpi")
    if not isinstance(dpi, tuple) or len(dpi) != 2 or not all(0 < float(d) < 1e6 for d in dpi):
        dpi = None
    comment = info.get("comment")
    return Metadata(
        exif=bare(info.get("exif")),
        icc_profile=profile if isinstance(profile, bytes) and profile else None,
        dpi=None if dpi is None else (float(dpi[0]), float(dpi[1])),
        xmp=packet if isinstance(packet, bytes) and packet else None,
        comment=comment if isinstance(comment, bytes) and comment else None,
        ink=image.mode == "CMYK",
        iptc=info.get("photoshop", {}).get(_IPTC) or None,
    )


def _iptc_segment(record: bytes) -> bytes:
    """The segment of a JPEG with an IPTC record in it; nothing where it is too long for one."""
    resource = struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(record)) + record
    content = b"Photoshop 3.0\x00" + resource + bytes(len(resource) % 2)
    if len(content) > _LARGEST_SEGMENT:
        return b""
    return struct.pack(">HH", 0xFFED, len(content) + 2) + content


def info_of(metadata: Metadata) -> dict[str, Any]:
    """Metadata as Pillow names it, in an image's `info` and when it is saved."""
    kept = {
        "exif": PREFIX + metadata.exif if metadata.exif else None,
        "icc_profile": metadata.icc_profile,
        "dpi": metadata.dpi,
        "xmp": metadata.xmp,
        "comment": metadata.comment,
    }
    return {name: value for name, value in kept.items() if value is not None}


@contextmanager
def _without_limit() -> Iterator[None]:
    """Pillow's own limit on size taken away, since ours is checked before anything is decoded."""
    with _LIMIT:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
