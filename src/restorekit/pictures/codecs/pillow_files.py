"""Conversion of Pillow images to arrays and back, and BMP files.

Pillow's size limit and warning filters are global, so they are not changed. Instead, files are
opened by the class of their format, sizes are checked here, and functions without a limit are used.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

from restorekit.pictures.metadata.exif import PREFIX
from restorekit.pictures.picture import Metadata, Picture, PictureError, check_size
from restorekit.pictures.pixel_values import Array

BMP_SIGNATURE = b"BM"
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_ROWS_AT_ONCE = 256


def read_bmp(path: Path) -> tuple[Array, Array | None, Metadata]:
    """Read the pixels (H, W, C) of uint8, the alpha (H, W) or None, and the metadata of a BMP.

    Raises:
        PictureError: the file is too large, too short for its size, or not supported.
        Exception: any that Pillow raises for damaged files.
    """
    with path.open("rb") as file:
        _check_bmp(file.read(54), path.stat().st_size)
        file.seek(0)
        with BmpImageFile(file) as image:
            pixels, alpha = image_arrays(image)
            dpi = _resolution(image.info.get("dpi"))
            return pixels, alpha, Metadata(dpi=dpi, is_bilevel=image.mode == "1")


def write_bmp(picture: Picture, file: IO[bytes]) -> None:
    """Write an opaque picture; the format holds no metadata except the resolution."""
    dpi, bits = picture.metadata.dpi, picture.bits
    # A bilevel picture stays one, instead of becoming eight times as large.
    image = to_pil_image(picture) if bits is None else Image.fromarray(bits)
    image.save(file, "BMP", **({"dpi": dpi} if dpi else {}))


def ink_to_colour(levels: Array) -> Array:
    """Convert CMYK (H, W, 4) of uint8 to RGB as Pillow does."""
    height, width, _ = levels.shape
    return np.asarray(Image.frombytes("CMYK", (width, height), levels.tobytes()).convert("RGB"))


def image_arrays(image: Image.Image) -> tuple[Array, Array | None]:
    """The pixels (H, W, C) of uint8 and the alpha (H, W) or None of an 8-bit image.

    CMYK is converted to RGB without its profile, palettes to colour.

    Raises:
        PictureError: the image has another mode.
    """
    if image.mode not in MODES:
        raise PictureError(f"its pixels are of kind '{image.mode}', not gray or colour")
    gray = image.mode in ("1", "L", "LA")
    mode, count = ("L", 1) if gray else ("RGB", 3)
    width, height = image.size
    pixels = np.empty((height, width, count), np.uint8)
    alpha = np.empty((height, width), np.uint8) if image.has_transparency_data else None
    # Bands need less memory. `resize` is used because `crop` has a size limit.
    for top in range(0, height, _ROWS_AT_ONCE):
        end = min(top + _ROWS_AT_ONCE, height)
        band = image.resize((width, end - top), Image.Resampling.NEAREST, (0, top, width, end))
        if alpha is not None:
            band = band.convert("LA" if gray else "RGBA")
            alpha[top:end] = np.asarray(band.getchannel("A"))
        pixels[top:end] = np.asarray(band.convert(mode)).reshape(end - top, width, count)
    return pixels, alpha


def to_pil_image(picture: Picture) -> Image.Image:
    """Convert a picture of 8 bits, or a gray one of any depth, to an image without metadata."""
    return Image.fromarray(picture.channels())


def info_of(metadata: Metadata) -> dict[str, object]:
    """Metadata by the names that Pillow uses in `info` and when saving."""
    kept = {
        "exif": PREFIX + metadata.exif if metadata.exif else None,
        "icc_profile": metadata.icc_profile,
        "dpi": metadata.dpi,
        "xmp": metadata.xmp,
        "comment": metadata.comment,
    }
    return {name: value for name, value in kept.items() if value is not None}


def _check_bmp(head: bytes, file_size: int) -> None:
    """Reject a size that is too large, or too large for an uncompressed file."""
    if len(head) < 34:
        raise PictureError("it is damaged (it ends too early)")
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", head, 18)
    if struct.unpack_from("<I", head, 14) == (12,):  # OS/2 header, with 16-bit sizes
        width, height, _, bits = struct.unpack_from("<HHHH", head, 18)
        compression = 0
    # A negative height means that the rows are stored from top to bottom.
    check_size(width, abs(height))
    if compression in (0, 3) and -(-width * bits // 32) * 4 * abs(height) > file_size:
        raise PictureError("it is damaged (it ends too early)")


def _resolution(dpi: object) -> tuple[float, float] | None:
    # Pillow returns what the file says, including 0 and infinity.
    if not isinstance(dpi, tuple) or len(dpi) != 2 or not all(0 < float(d) < 1e6 for d in dpi):
        return None
    return float(dpi[0]), float(dpi[1])


def quantization_tables(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The quantization tables of a PIL image that was read from a JPEG, luma first."""
    tables = getattr(image, "quantization", None)
    if not isinstance(tables, dict):
        return ()
    return tuple(tuple(map(int, table)) for _, table in sorted(tables.items()))
