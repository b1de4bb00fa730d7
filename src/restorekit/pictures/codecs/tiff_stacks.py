"""Which pictures a TIFF holds: its pages, the planes that lie behind one page, and nothing unseen.

Some programs write a stack as one page, with the other planes behind its pixels and their number in
a tag or a description. What is not read must not be lost in silence when the file is written again:
it is refused, or, where it can be made again, named.
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

_PLANES_OF_METAMORPH = 33629  # has a value for each plane
_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_IS_REDUCED = 1
_LEAST_UNSEEN = 4096  # bytes; fewer are padding
# Pyramids of slide scanners: what tells them, and what they are called.
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
    """A picture of a file: its page, and its number among those that the page stands for."""

    page: tifffile.TiffPage
    number: int = 0

    def decode(self) -> Array:
        """Its values as tifffile decodes them."""
        if not self.number:
            return self.page.asarray()
        file, page = self.page.parent.filehandle, self.page
        assert page.dtype is not None
        file.seek(page.dataoffsets[0] + self.number * page.nbytes)
        dtype = page.dtype.newbyteorder(self.page.parent.byteorder)
        return np.frombuffer(file.read(page.nbytes), dtype).reshape(page.shape)


class TiffContents(NamedTuple):
    """The pictures of a file, and what else it holds, in the user's words."""

    planes: list[Plane]
    left_out: tuple[str, ...]


def contents(tiff: tifffile.TiffFile, layout: TiffLayout) -> TiffContents:
    """The pictures of a file.

    Raises:
        PictureError: it holds none, or more than can be read.
    """
    for mark, name in _SLIDES.items():
        if getattr(tiff, mark, False):
            raise PictureError(
                f"it is a slide scanner's pyramid ({name}), which cannot be written again; "
                "export the picture as a plain TIFF"
            )
    found = (tiff.pages.get(index) for index in range(len(tiff.pages)))
    pages = [page for page in found if isinstance(page, tifffile.TiffPage)]
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
    return TiffContents(planes, (*_beside(pages), *_reduced(layout)))


def _claims(tiff: tifffile.TiffFile, pages: Sequence[tifffile.TiffPage]) -> Iterator[int]:
    """How many planes each page stands for."""
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
    """What tifffile notes of an array that it has written."""

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
    planes = size // one if one and size > 0 and size % one == 0 else 1
    return _Shape(planes, bool(noted.get("truncated")))


def _of_shape(page: tifffile.TiffPage, shape: _Shape, pages: int) -> int:
    """The planes of a page with a note on the shape of `pages` pages; a note may be an old one."""
    if shape.planes <= pages:
        return 1
    if shape.is_in_one_page or (pages == 1 and _has_behind(page, shape.planes)):
        return _behind(page, shape.planes, "tifffile")
    return 1


def _behind(page: tifffile.TiffPage, planes: int, program: str) -> int:
    """So many planes, if they lie behind a page's own pixels.

    Raises:
        PictureError: they do not.
    """
    if planes > 1 and not _has_behind(page, planes):
        raise PictureError(
            f"it is a stack of {planes} slices in one page, as {program} writes them, which is "
            "compressed, in pieces, or ends too early; save it with a page for each slice"
        )
    return max(planes, 1)


def _has_behind(page: tifffile.TiffPage, planes: int) -> bool:
    if not page.is_contiguous or not page.dataoffsets:
        return False
    end = page.dataoffsets[0] + planes * page.nbytes
    return bool(end <= page.parent.filehandle.size)


def _check_unseen(layout: TiffLayout, planes: Sequence[Plane]) -> None:
    """Refuse a file with so many bytes that nothing accounts for that they may be planes."""
    whole = [plane.page.nbytes for plane in planes if plane.page.is_contiguous]
    if not whole:
        return
    behind = sum(plane.page.nbytes for plane in planes if plane.number)
    unseen = layout.size - layout.explained() - behind
    if unseen >= max(min(whole), _LEAST_UNSEEN):
        raise PictureError(
            f"it holds {unseen:,} bytes that belong to none of its pages, and may be further "
            "pictures; save it with a page for each"
        )


def _beside(pages: Sequence[tifffile.TiffPage]) -> Iterator[str]:
    masks = sum(bool(page.is_mask) for page in pages)
    if masks:
        yield f"transparency masks ({masks})"
    if small := sum(bool(page.is_reduced and not page.is_mask) for page in pages):
        yield f"pages of reduced resolution ({small})"


def _reduced(layout: TiffLayout) -> Iterator[str]:
    """The smaller pictures that entries of pages point to.

    Raises:
        PictureError: one is not smaller.
    """
    count = 0
    for page in layout.pages:
        for code, found in layout.below(page):
            if code != SUBIFDS or not layout.value(found, _WIDTH):
                continue
            if not _is_smaller(layout, found, page):
                raise PictureError("a page of it holds a further picture (SubIFD)")
            count += 1
    if count:
        yield f"pictures of reduced resolution (SubIFDs, {count})"


def _is_smaller(layout: TiffLayout, one: TiffDirectory, other: TiffDirectory) -> bool:
    if layout.value(one, _SUBFILE) & _IS_REDUCED:
        return True
    sides = ((layout.value(one, code), layout.value(other, code)) for code in (_WIDTH, _HEIGHT))
    return all(mine < others for mine, others in sides)
