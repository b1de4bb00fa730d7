"""The built-in picture formats. Each is read and written by its module in `codecs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from restorekit.pictures.base import Format
from restorekit.pictures.codecs import jpeg_files, pillow_files, png_files, png_pixels, webp_files
from restorekit.pictures.codecs.tiff_layout import MAGICS
from restorekit.pictures.orientation import upright
from restorekit.pictures.picture import Metadata, Picture
from restorekit.pictures.value_ranges import range_of

_COMMON = frozenset({"exif", "icc_profile", "xmp"})


class PNG(Format):
    """PNG of 8 or 16 bits per channel, with transparency.

    Example:
        >>> restorekit.create_format("png").suffixes
        ('.png',)
    """

    name = "PNG"
    suffixes = (".png",)
    signatures = (png_pixels.SIGNATURE,)
    keeps = _COMMON | {"dpi", "colour_chunks", "text_chunks"}
    depths = (8, 16)
    alpha = True

    def read(self, path: Path) -> Picture:
        """Read the picture of a file."""
        return Picture(*png_files.read(path))

    def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
        """Write a picture, without losses."""
        png_files.write(picture, file)


class JPEG(Format):
    """JPEG of 8 bits per channel, with attached gain maps and videos.

    Example:
        >>> restorekit.create_format("jpeg").alpha
        False
    """

    name = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jpe", ".jfif")
    signatures = (jpeg_files.SIGNATURE,)
    keeps = _COMMON | {"dpi", "comment", "iptc", "attached"}

    def read(self, path: Path) -> Picture:
        """Read the picture of a file."""
        pixels, metadata = jpeg_files.read(path)
        return Picture(pixels, None, metadata)

    def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
        """Write a picture, with quality 95 by default."""
        jpeg_files.write(picture, file, quality)

    def held(self, metadata: Metadata) -> Metadata:
        """The metadata that the format can store, by kind and by length."""
        return jpeg_files.fitting(super().held(metadata))


class TIFF(Format):
    """TIFF of any number of pages and channels, of integers or floats.

    Example:
        >>> restorekit.create_format("tiff").pages
        True
    """

    name = "TIFF"
    suffixes = (".tif", ".tiff")
    signatures = tuple(MAGICS)
    keeps = _COMMON | {"dpi", "density", "iptc", "notes"}
    depths = (8, 16, "float")
    alpha = True
    pages = True
    extra = True

    # tifffile is imported late, because its import takes longer than those of the other codecs.

    def count_pages(self, path: Path) -> int:
        """Number of pages of a file, without thumbnails and masks."""
        from restorekit.pictures.codecs import tiff_files

        return tiff_files.count(path)

    def read_pages(self, path: Path) -> Iterator[Picture]:
        """Read the pages of a file one after the other."""
        from restorekit.pictures.codecs import tiff_files

        for found, metadata, orientation in tiff_files.read(path):
            known = found.known or range_of(found.values, no_data=found.no_data)
            ends = known.white, known.black
            picture = Picture(
                found.values, found.alpha, metadata, *ends, found.extra, found.no_data
            )
            yield upright(picture, orientation)

    def write_pages(
        self, pictures: Iterator[Picture], path: Path, expected_bytes: int, quality: int | None
    ) -> None:
        """Write pages one after the other, without losses."""
        from restorekit.pictures.codecs import tiff_files

        tiff_files.write(pictures, path, expected_bytes)


class BMP(Format):
    """BMP of 8 bits per channel; its only metadata is the resolution.

    Example:
        >>> restorekit.create_format("bmp").keeps
        frozenset({'dpi'})
    """

    name = "BMP"
    suffixes = (".bmp",)
    signatures = (pillow_files.BMP_SIGNATURE,)
    keeps = frozenset({"dpi"})

    def read(self, path: Path) -> Picture:
        """Read the picture of a file."""
        return Picture(*pillow_files.read_bmp(path))

    def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
        """Write a picture, without losses."""
        pillow_files.write_bmp(picture, file)


class WebP(Format):
    """WebP of 8 bits per channel in colour, with transparency.

    Example:
        >>> restorekit.create_format("webp").gray
        False
    """

    name = "WebP"
    suffixes = (".webp",)
    signatures = (b"RIFF",)
    keeps = _COMMON
    gray = False
    alpha = True

    def matches(self, head: bytes) -> bool:
        """Whether the first bytes of a file are those of a WebP; its size lies between the two."""
        return webp_files.is_webp(head)

    def read(self, path: Path) -> Picture:
        """Read the picture of a file."""
        return Picture(*webp_files.read(path))

    def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
        """Write a picture, without losses unless a quality is given."""
        webp_files.write(picture, file, quality)
