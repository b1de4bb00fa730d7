"""Processing one picture file, page by page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from restorekit.errors import ImageFileError, warn
from restorekit.pictures.file_errors import writing_errors
from restorekit.pictures.file_formats import format_for, format_of_suffix
from restorekit.pictures.picture import Metadata, Picture, depth_for
from restorekit.pictures.pixel_values import Depth, full_scale
from restorekit.pictures.processing.clipping import Clipping
from restorekit.pictures.processing.file_plan import same_file
from restorekit.pictures.read_files import count_pages, iter_pages
from restorekit.pictures.stated_size import restated
from restorekit.pictures.value_ranges import Range, range_of
from restorekit.pictures.write_files import check_output, check_picture, write_pages
from restorekit.storage.atomic import atomic_path


class PagePlace(NamedTuple):
    """Position of a picture: number of the file in the plan and of the page in it, from 0."""

    number: int
    source: Path
    target: Path
    page: int = 0
    pages: int = 1


class PictureChange(Protocol):
    """A function that changes pictures."""

    def __call__(
        self, pictures: Sequence[Picture], places: Sequence[PagePlace]
    ) -> Sequence[Picture]:
        """Return the changed pictures. Small pictures of equal size are passed together."""


def one_at_a_time(change: Callable[[Picture, PagePlace], Picture]) -> PictureChange:
    """Turn a function of one picture into a `PictureChange`."""

    def changed(pictures: Sequence[Picture], places: Sequence[PagePlace]) -> Sequence[Picture]:
        return [change(*pair) for pair in zip(pictures, places, strict=True)]

    return changed


def stating_sizes(change: PictureChange) -> PictureChange:
    """Let the metadata of results of another size state that size."""

    def changed(pictures: Sequence[Picture], places: Sequence[PagePlace]) -> Sequence[Picture]:
        return [
            restated(after, before)
            for after, before in zip(change(pictures, places), pictures, strict=True)
        ]

    return changed


@dataclass(frozen=True)
class WriteOptions:
    """How results are written.

    Attributes:
        depth: 8, 16 or "float"; None keeps the depth of each picture if the format holds it. A
            picture is converted to a greater depth before it is changed, so that the additional
            bits are used.
        quality: quality of a JPEG or WebP, 1 to 100.
        overwrite_input: whether a file may be replaced by its own result. It is never replaced by
            that of another file, or if CMYK, a gain map or a video would be lost.
        black: the value that is black in the inputs; None finds it, see `range_of`.
        white: the value that is white in the inputs; None finds it.
        resume: whether to skip files whose result exists and is not older. Results are written
            atomically, so an existing one is complete. Its settings are not compared.
    """

    depth: Depth | None = None
    quality: int | None = None
    overwrite_input: bool = False
    resume: bool = False
    black: float | None = None
    white: float | None = None


DEFAULT_OPTIONS = WriteOptions()


class Written(NamedTuple):
    """The outcome of writing a file.

    Attributes:
        left_out: names of the metadata that the result lacks, see `write_pages`.
        left_alone: whether all pages are unchanged.
    """

    left_out: tuple[str, ...]
    left_alone: bool


class _AllLeftAloneError(Exception):
    """Aborts writing a file without changed pictures, so that it can be copied instead."""


def _copy(source: Path, target: Path) -> None:
    """Copy a file byte for byte, atomically."""
    if same_file(source, target):
        return
    with writing_errors(target), atomic_path(target, like=source) as temporary:
        shutil.copyfile(source, temporary)


class PictureFile:
    """A file that is being restored: reads its pages, and writes the changed ones.

    Args:
        place: the file and its result.
        writing: how the result is written.

    Raises:
        ImageFileError: the file cannot be read, or its result cannot be written.
    """

    def __init__(self, place: PagePlace, writing: WriteOptions) -> None:
        source, target = place.source, place.target
        if not writing.overwrite_input and same_file(source, target):
            raise ImageFileError(
                f"'{source}' would be overwritten by its own result; choose another output"
            )
        pages = count_pages(source)
        check_output(target, writing.depth, pages)  # fail before the work
        self.place = place._replace(pages=pages)
        self._writing = writing
        self._all_left_alone = True  # of the pages that are written so far
        self._is_deeper = False  # whether a page was converted before it was changed
        self._lost: dict[str, None] = {}  # reported only if the file is not copied
        self._depths, self._keeps = format_for(target).depths, format_for(target).keeps

    def restore(self, change: PictureChange) -> Written:
        """Change and write the pages one after the other."""
        places = (self.place._replace(page=page) for page in range(self.place.pages))
        changed = (
            change([page], [place])[0] for page, place in zip(self.pages(), places, strict=True)
        )
        return self.write(changed)

    @property
    def _may_copy(self) -> bool:
        """Whether the file is copied if all its pictures are left alone."""
        source, writing = self.place.source, self._writing
        kind = format_of_suffix(source.suffix)
        return (
            kind is format_for(self.place.target)
            and not self._is_deeper
            and writing.quality is None
        )

    def pages(self) -> Iterator[Picture]:
        """The pages to change, converted to the depth of the result if that is greater."""
        source, target = self.place.source, self.place.target
        common = self._common_ranges()
        for number, picture in enumerate(iter_pages(source)):
            check_picture(picture, target)  # fail before the work
            for loss in self._losses(picture.metadata):
                if same_file(source, target):
                    raise ImageFileError(f"'{source}' {loss}; choose another output")
                self._lost[loss] = None
            picture = self._with_range(picture)
            known = common.get(picture.pixels.dtype)
            wanted = self._type_of(picture.pixels.dtype)
            if known is not None and (picture.has_own_range or wanted != picture.pixels.dtype):
                picture = replace(picture, black=known.black, white=known.white)
            if number == 0:
                self._warn_of_range(picture)
            # Converted first, so that the result has more than the levels of the input.
            deeper = wanted.itemsize > picture.pixels.dtype.itemsize
            self._is_deeper |= deeper
            yield picture.astype(wanted) if deeper else picture

    def _losses(self, metadata: Metadata) -> Iterator[str]:
        """What the result would lack and the user must know about."""
        if metadata.ink:
            yield "holds CMYK pixels, which are converted to RGB without their profile"
        attached = metadata.attached
        if attached is not None and attached.tail and "attached" not in self._keeps:
            names = ", ".join(attached.names)
            yield f"holds more than a picture ({names}), which only a JPEG can store"

    def write(self, changed: Iterable[Picture]) -> Written:
        """Write the changed pages as they arrive, atomically."""
        target, writing = self.place.target, self._writing
        watched, count = self._watched(changed), self.place.pages
        try:
            left_out = write_pages(
                watched,
                target,
                depth=writing.depth,
                quality=writing.quality,
                count=count,
                like=self.place.source,
            )
        except _AllLeftAloneError:
            _copy(self.place.source, target)
            left_out = ()
        return Written(left_out, self._all_left_alone)

    def _watched(self, changed: Iterable[Picture]) -> Iterator[Picture]:
        """Pass on the changed pages, and warn of what their format cannot hold."""
        clipping = Clipping()
        same_depth = True
        for picture in changed:
            self._all_left_alone &= picture.left_alone
            if self._type_of(picture.pixels.dtype) != picture.pixels.dtype:
                same_depth = False
                # Only where a format with another type makes values disappear.
                clipping.add(picture)
            yield picture
        if self._all_left_alone and same_depth and self._may_copy:
            # From within the iteration, which makes `write_pages` drop its unfinished file.
            raise _AllLeftAloneError
        for loss in self._lost:
            warn(f"'{self.place.source}' {loss}")
        if clipping.words is not None:
            warn(
                f"'{self.place.source}': {clipping.words}, which '{self.place.target.name}' cannot "
                "hold; a .tif with depth float can"
            )

    def _type_of(self, given: np.dtype[Any]) -> np.dtype[Any]:
        return depth_for(given, self._depths, self._writing.depth)

    def _common_ranges(self) -> dict[np.dtype[Any], Range]:
        """The common range of the pages of each type, so that all pages are treated alike.

        It is needed if the pages are converted to another type, or if the range is taken from the
        values. Otherwise the result is empty.
        """
        source, found = self.place.source, dict[np.dtype[Any], Range]()
        if self.place.pages == 1:
            return found
        converts = self._writing.depth is not None or "float" not in self._depths
        if not converts and not self._with_range(next(iter_pages(source))).has_own_range:
            return found
        for page in map(self._with_range, iter_pages(source)):
            known = Range(
                page.black, full_scale(page.pixels.dtype) if page.white is None else page.white
            )
            other = found.setdefault(page.pixels.dtype, known)
            # The widest range, so that no page is clipped.
            ends = min(known.black, other.black), max(known.white, other.white)
            found[page.pixels.dtype] = Range(*ends)
        return found

    def _with_range(self, picture: Picture) -> Picture:
        """Set the range of a page to the given one; unknown ends are taken from the values."""
        writing = self._writing
        if writing.black is None and writing.white is None:
            return picture
        known = range_of(picture.pixels, writing.black, writing.white, picture.no_data)
        return replace(picture, black=known.black, white=known.white)

    def _warn_of_range(self, picture: Picture) -> None:
        given = None not in (self._writing.black, self._writing.white)
        if picture.has_own_range and not given:
            known = Range(picture.black, picture.white or 1.0)
            warn(f"'{self.place.source}': {known.words}")
