"""TIFF files: pages of 8, 16 and 32-bit floating-point channels, through tifffile."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

from restorekit.data import exif
from restorekit.data.picture import (
    Array,
    Metadata,
    Picture,
    PictureError,
    check_size,
    one_of,
    rescale,
)
from restorekit.data.pillow_files import ink_to_colour

_PHOTOMETRIC = tifffile.PHOTOMETRIC
_PLAIN = (_PHOTOMETRIC.MINISBLACK, _PHOTOMETRIC.MINISWHITE, _PHOTOMETRIC.RGB, _PHOTOMETRIC.YCBCR)
_ALPHA = {0: "unspecified", 1: "associated", 2: "unassociated"}
_NO_UNIT, _INCHES, _CENTIMETRES = 1, 2, 3  # of resolution
_BIG = 4_000_000_000  # bytes, above which the offsets of a plain TIFF may not suffice
_XMP, _IPTC, _PROFILE = 700, 33723, 34675

# What matters of what it logs is raised as well.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def count(path: Path) -> int:
    """How many pictures a TIFF holds; thumbnails and masks do not count."""
    with tifffile.TiffFile(path) as tiff:
        return len(_pages(tiff))


def read(path: Path) -> Iterator[tuple[Array, Array | None, Metadata, int]]:
    """Each page's pixels (H, W, C), alpha (H, W) or None, metadata and orientation.

    Raises:
        PictureError: a page is too large, ends early, or has pixels of a kind that is not read.
        ValueError, ...: whatever tifffile and imagecodecs raise for damaged files.
    """
    with tifffile.TiffFile(path) as tiff:
        pages = _pages(tiff)
        if not pages:
            raise PictureError("it holds no picture")
        size = path.stat().st_size
        for page in pages:
            _check(page, size)
            pixels, alpha = _arrays(page)
            yield pixels, alpha, _metadata(tiff, page), _orientation(page)


def write(pictures: Iterator[Picture], path: Path, expected_bytes: int) -> None:
    """Write pages one after the other, compressed without loss.

    Args:
        pictures: the pages.
        path: an existing file.
        expected_bytes: how much is to come at most; decides on the size of the file's offsets.
    """
    big = expected_bytes > _BIG
    directories = []
    with tifffile.TiffWriter(path, bigtiff=big, byteorder="<") as tiff:
        for picture in pictures:
            tags, further = exif.to_tiff(picture.metadata.exif)
            # tifffile writes no directories besides pages: their place is kept by an entry each.
            further = {} if big else further
            tags += [(code + 1, "I", 1, 0, True) for code in further]
            octets = ((_XMP, picture.metadata.xmp), (_IPTC, picture.metadata.iptc))
            tags += [(code, "B", len(held), held, True) for code, held in octets if held]
            directories.append(further)
            tiff.write(picture.channels(), **_options(picture), extratags=tags)
    if any(directories):
        _append(directories, path)


def _options(picture: Picture) -> dict[str, Any]:
    metadata = picture.metadata
    options: dict[str, Any] = {
        "photometric": "minisblack" if picture.pixels.shape[2] == 1 else "rgb",
        "planarconfig": "contig",
        "compression": "zlib",
        "predictor": True,
        "metadata": None,
        "software": False,
        "iccprofile": metadata.icc_profile,
    }
    if picture.alpha is not None:
        names = {"unassociated": "unassalpha", "associated": "assocalpha"}
        options["extrasamples"] = [names.get(metadata.alpha, "unspecified")]
    if metadata.dpi is not None:
        options |= {"resolution": metadata.dpi, "resolutionunit": _INCHES}
    elif metadata.density is not None:
        options |= {"resolution": metadata.density, "resolutionunit": _NO_UNIT}
    return options


def _append(directories: list[dict[int, Directory]], path: Path) -> None:
    """Put directories at the file's end, and their places into the entries kept for them."""
    with path.open("r+b") as file, tifffile.TiffFile(path) as tiff:
        for page, further in zip(tiff.pages, directories, strict=True):
            for code, directory in further.items():
                tag = page.tags[code + 1]  # type: ignore[union-attr]
                place = file.seek(0, 2)
                place += file.write(bytes(place % 2))  # directories begin at even places
                file.write(directory.tobytes(place))
                file.seek(tag.offset)
                file.write(struct.pack("<HHII", code, 4, 1, place))


def _pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    described = (tiff.imagej_metadata or {}).get("images", 1) if tiff.is_imagej else 1
    pages = [tiff.pages.get(index) for index in range(len(tiff.pages))]
    if pages and _next(tiff, pages[-1].offset) not in {0, *(page.offset for page in pages)}:
        raise PictureError("it is damaged (it ends too early: a page is missing)")
    if described > len(pages):
        raise PictureError(f"it is a stack of {described} slices in one page, as only ImageJ reads")
    return [page for page in pages if not page.is_reduced and not page.is_mask]  # type: ignore


def _next(tiff: tifffile.TiffFile, offset: int) -> int | None:
    """Where the page after the one at an offset begins, 0 after the last; None if not said.

    tifffile takes a page that lies beyond the file's end for none.
    """
    file, layout = tiff.filehandle, tiff.tiff
    file.seek(offset)
    (count,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    file.seek(count * layout.tagsize, 1)
    said = file.read(layout.offsetsize)
    return struct.unpack(layout.offsetformat, said)[0] if len(said) == layout.offsetsize else None


def _check(page: tifffile.TiffPage, file_size: int) -> None:
    """Refuse a page before anything of it is decoded."""
    check_size(page.imagewidth, page.imagelength)
    samples, extra = page.samplesperpixel, len(page.extrasamples)
    if page.imagedepth != 1:
        raise PictureError("it holds a volume, not pictures")
    ink = page.photometric == _PHOTOMETRIC.SEPARATED and page.bitspersample == 8 and samples == 4
    if not ink and page.photometric != _PHOTOMETRIC.PALETTE and page.photometric not in _PLAIN:
        name = getattr(page.photometric, "name", str(page.photometric))
        raise PictureError(f"its pixels are of kind {name}, not gray or colour")
    if samples > 4 or extra > 1 or (not ink and samples - extra not in (1, 3)):
        raise PictureError(f"it has {samples} channels; gray or colour, with alpha, are 1 to 4")
    if page.dtype is None or not _is_kind_known(page):
        kind = page.dtype or f"{page.bitspersample}-bit channels"
        raise PictureError(f"its pixels are of type {kind}, not 8 or 16-bit integers or floats")
    ends = (o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False) if n)
    if max(ends, default=0) > file_size:
        raise PictureError("it is damaged (it ends too early)")


def _is_kind_known(page: tifffile.TiffPage) -> bool:
    kind, size = page.dtype.kind, page.dtype.itemsize  # type: ignore[union-attr]
    return (kind in "ub" and size <= 2) or (kind == "f" and size in (2, 4))


def _arrays(page: tifffile.TiffPage) -> tuple[Array, Array | None]:
    values = page.asarray()
    if page.axes == "SYX":  # each channel stored on its own
        values = np.ascontiguousarray(np.moveaxis(values, 0, 2))
    values = values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    if page.photometric == _PHOTOMETRIC.PALETTE:
        return _look_up(page, values[..., 0]), None
    if page.photometric == _PHOTOMETRIC.SEPARATED:
        return ink_to_colour(values), None
    values = _whole_range(values, page.bitspersample)
    if values.dtype.kind == "f" and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise PictureError("some of its pixels are not finite (NaN or infinite)")
    if not page.extrasamples:
        pixels, alpha = values, None
    else:
        pixels, alpha = (
            np.ascontiguousarray(values[..., :-1]),
            np.ascontiguousarray(values[..., -1]),
        )
    if page.photometric == _PHOTOMETRIC.MINISWHITE:
        pixels = values.dtype.type(one_of(values.dtype)) - pixels
    return pixels, alpha


def _whole_range(values: Array, bits: int) -> Array:
    """Values as uint8, uint16 or float32 in the machine's byte order; white is the largest."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    dtype = np.dtype(np.uint8 if values.dtype.itemsize == 1 else np.uint16)
    if bits == 8 * dtype.itemsize:
        return values.astype(dtype, copy=False)
    return rescale(values.astype(np.float32) / np.float32(2**bits - 1), dtype)


def _look_up(page: tifffile.TiffPage, indices: Array) -> Array:
    """A palette's colours: (H, W, 3), of 8 bits where those are all that the palette uses."""
    colours = np.asarray(page.colormap).T
    if not (colours % 257).any() or not (colours % 256).any():
        colours = (colours >> 8).astype(np.uint8)
    return np.ascontiguousarray(colours[indices])


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(274)
    return tag.value if tag is not None and tag.value in range(1, 9) else 1


def _metadata(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Metadata:
    file: IO[bytes] = tiff.filehandle  # type: ignore[assignment]
    extra = int(page.extrasamples[0]) if page.extrasamples else 2
    resolution, unit = _resolution(page), page.tags.valueof(296, default=_INCHES)
    factor = {_INCHES: 1.0, _CENTIMETRES: 2.54}.get(unit)
    return Metadata(
        exif=exif.from_tiff(file, page.offset, tiff.byteorder, tiff.is_bigtiff),
        icc_profile=_octets(page, _PROFILE),
        dpi=(factor * resolution[0], factor * resolution[1]) if resolution and factor else None,
        density=resolution if unit == _NO_UNIT else None,
        xmp=_octets(page, _XMP),
        iptc=_octets(page, _IPTC),
        ink=page.photometric == _PHOTOMETRIC.SEPARATED,
        alpha=_ALPHA.get(extra, "unspecified"),  # type: ignore[arg-type]
    )


def _octets(page: tifffile.TiffPage, code: int) -> bytes | None:
    value = page.tags.valueof(code)
    if isinstance(value, str):
        value = value.encode()
    return value if isinstance(value, bytes) and value else None


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Pixels per unit, across and down."""
    x, y = page.tags.valueof(282), page.tags.valueof(283)
    try:
        resolution = (x[0] / x[1], y[0] / y[1])
    except (TypeError, ZeroDivisionError, IndexError):
        return None
    return resolution if min(resolution) > 0 and max(resolution) < 1e6 else None
