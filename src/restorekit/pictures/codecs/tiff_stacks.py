"""The pictures of a TIFF: its pages, and planes that are stored after the pixels of a page.

Some programs write a stack as one page, followed by the pixels of the other planes, and store their
number in a tag or a description. Data that is not read would be lost when the file is written
again. Such a file is rejected, unless the data can be recomputed; then a warning names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tifffile

from restorekit.pictures.codecs.tiff_layout import SUBIFDS, TiffDirectory, TiffLayout
from restorekit.pictures.metadata.program_notes import is_of_tifffile
from restorekit.pictures.picture import PictureError
from restorekit.pictures.pixel_values import Array

_PLANES_OF_METAMORPH = 33629  # one value per plane
_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_IS_REDUCED = 1
_LEAST_UNSEEN = 4096  # bytes; fewer may be padding
# Pyramids of slide scanners: attribute of `TiffFile`, and name for messages.
_SLIDES = {
    "is_svs": "Aperio SVS",
    "is_ndpi": "Hamamatsu NDPI",
    "is_scn": "Leica SCN",
    "is_bif": "Ventana BIF",
    "is_philips": "Philips TIFF",
    "is_qpi": "PerkinElmer QPI",
    "is_indica": "Indica Labs",
    "is_avs": "Argos AVS",
}


class Plane(NamedTuple):
    """A picture of a file: its page, and its number among the planes of the page."""

    page: tifffile.TiffPage
    number: int = 0

    def decode(self) -> Array:
        """Decode the values."""
        if not self.number:
            return self.page.asarray()
        file, page = self.page.parent.filehandle, self.page
        assert page.dtype is not None
        file.seek(page.dataoffsets[0] + self.number * page.nbytes)
        dtype = page.dtype.newbyteorder(self.page.parent.byteorder)
        return np.frombuffer(file.read(page.nbytes), dtype).reshape(page.shape)


class TiffContents(NamedTuple):
    """The pictures of a file, and the names of its other contents."""

    planes: list[Plane]
    left_out: tuple[str, ...]


def contents(tiff: tifffile.TiffFile, layout: TiffLayout) -> TiffContents:
    """Find the pictures of a file.

    Raises:
        PictureError: the file has no pictures, or has some that cannot be read.
    """
    for mark, name in _SLIDES.items():
        if getattr(tiff, mark, False):
            raise PictureError(
                f"it is a slide scanner's pyramid ({name}), which cannot be written again; "
                "export the picture as a plain TIFF"
            )
    found = (tiff.pages.get(index) for index in range(len(tiff.pages)))
    pages = [page for page in found if isinstance(page, tifffile.TiffPage)]
    # tifffile stops at a damaged page without an error.
    if len(pages) != len(layout.pages):
        raise PictureError(
            f"it is damaged ({len(layout.pages) - len(pages)} of its {len(layout.pages)} pages "
            "cannot be read)"
        )
    planes: list[Plane] = []
    for page, count in zip(pages, _claims(tiff, pages), strict=True):
        if not page.is_reduced and not page.is_mask:
            planes += [Plane(page, number) for number in range(count)]
    if not planes:
        raise PictureError("it holds no picture")
    _check_unseen(layout, planes)
    return TiffContents(planes, (*_masks_and_reduced(pages), *_reduced(layout)))


def _claims(tiff: tifffile.TiffFile, pages: Sequence[tifffile.TiffPage]) -> Iterator[int]:
    """The number of planes of each page."""
    shapes = [_shape_of(page) for page in pages]
    starts = [number for number, shape in enumerate(shapes) if shape]
    described = (tiff.imagej_metadata or {}).get("images", 1) if tiff.is_imagej else 1
    for number, page in enumerate(pages):
        if _PLANES_OF_METAMORPH in page.tags:
            yield _behind(page, page.tags[_PLANES_OF_METAMORPH].count, "MetaMorph")
        elif number == 0 and isinstance(described, int) and described > len(pages):
            if len(pages) > 1:
                raise PictureError(f"it holds {len(pages)} of the {described} slices of a stack")
            yield _behind(page, described, "ImageJ")
        elif (shape := shapes[number]) is not None:
            end = next((start for start in starts if start > number), len(pages))
            yield _of_shape(page, shape, end - number)
        else:
            yield 1


class _Shape(NamedTuple):
    """The shape that tifffile stores for an array that it writes."""

    planes: int
    is_in_one_page: bool


def _shape_of(page: tifffile.TiffPage) -> _Shape | None:
    if not is_of_tifffile(page.description):
        return None
    try:
        noted = json.loads(page.description)
        size = math.prod(int(length) for length in noted["shape"])
    except (ValueError, TypeError, RecursionError):
        return None
    one = math.prod(page.shape)
    # A shape that does not divide is that of a picture before it was edited.
    planes = size // one if one and size > 0 and size % one == 0 else 1
    return _Shape(planes, bool(noted.get("truncated")))


def _of_shape(page: tifffile.TiffPage, shape: _Shape, pages: int) -> int:
    """The number of planes of a page with a stored shape, which may be outdated."""
    if shape.planes <= pages:
        return 1
    if shape.is_in_one_page or (pages == 1 and _has_behind(page, shape.planes)):
        return _behind(page, shape.planes, "tifffile")
    return 1


def _behind(page: tifffile.TiffPage, planes: int, program: str) -> int:
    """The number of planes, if the file has them all after the pixels of the page.

    Raises:
        PictureError: it does not.
    """
    if planes > 1 and not _has_behind(page, planes):
        raise PictureError(
            f"it is a stack of {planes} slices in one page, as {program} writes them, which is "
            "compressed, in pieces, or ends too early; save it with a page for each slice"
        )
    return max(planes, 1)


def _has_behind(page: tifffile.TiffPage, planes: int) -> bool:
    # Compressed planes have no known length, so their start cannot be computed.
    if not page.is_contiguous or not page.dataoffsets:
        return False
    end = page.dataoffsets[0] + planes * page.nbytes
    return bool(end <= page.parent.filehandle.size)


def _check_unseen(layout: TiffLayout, planes: Sequence[Plane]) -> None:
    """Reject a file with enough unexplained bytes for a further plane."""
    whole = [plane.page.nbytes for plane in planes if plane.page.is_contiguous]
    if not whole:
        return
    behind = sum(plane.page.nbytes for plane in planes if plane.number)
    unseen = layout.size - layout.explained() - behind
    if unseen >= max(min(whole), _LEAST_UNSEEN):
        raise PictureError(
            f"it holds {unseen:,} bytes that do not belong to its pages and may be further "
            "pictures; save it with a page for each"
        )


def _masks_and_reduced(pages: Sequence[tifffile.TiffPage]) -> Iterator[str]:
    masks = sum(bool(page.is_mask) for page in pages)
    if masks:
        yield f"transparency masks ({masks})"
    if small := sum(bool(page.is_reduced and not page.is_mask) for page in pages):
        yield f"pages of reduced resolution ({small})"


def _reduced(layout: TiffLayout) -> Iterator[str]:
    """The reduced pictures in SubIFDs.

    Raises:
        PictureError: one is not smaller than its page.
    """
    count = 0
    for page in layout.pages:
        for code, found in layout.below(page):
            if code != SUBIFDS or not layout.value(found, _WIDTH):
                continue
            if not _is_smaller(layout, found, page):
                raise PictureError("one of its pages holds a further picture (SubIFD)")
            count += 1
    if count:
        yield f"pictures of reduced resolution (SubIFDs, {count})"


def _is_smaller(layout: TiffLayout, one: TiffDirectory, other: TiffDirectory) -> bool:
    if layout.value(one, _SUBFILE) & _IS_REDUCED:
        return True
    sides = ((layout.value(one, code), layout.value(other, code)) for code in (_WIDTH, _HEIGHT))
    return all(mine < others for mine, others in sides)
