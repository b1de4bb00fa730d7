"""One picture file through a function, page by page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from restorekit.errors import ImageFileError, warn
from restorekit.pictures.file_errors import writing_errors
from restorekit.pictures.file_formats import FORMATS, format_for
from restorekit.pictures.picture import Metadata, Picture, depth_for
from restorekit.pictures.pixel_values import Depth, full_scale
from restorekit.pictures.processing.clipping import Clipping
from restorekit.pictures.processing.file_plan import same_file
from restorekit.pictures.read_files import count_pages, iter_pages
from restorekit.pictures.value_ranges import Range, range_of
from restorekit.pictures.write_files import check_output, check_picture, write_pages
from restorekit.storage.atomic import atomic_path


class PagePlace(NamedTuple):
    """Where a picture stands: the file's number in the plan, and the page's in the file, from 0."""

    number: int
    source: Path
    target: Path
    page: int = 0
    pages: int = 1


class PictureChange(Protocol):
    """What is done to pictures."""

    def __call__(
        self, pictures: Sequence[Picture], places: Sequence[PagePlace]
    ) -> Sequence[Picture]:
        """The pictures changed. Several come together where they are small and of one size."""


def one_at_a_time(change: Callable[[Picture, PagePlace], Picture]) -> PictureChange:
    """A change of one picture as one of several."""

    def changed(pictures: Sequence[Picture], places: Sequence[PagePlace]) -> Sequence[Picture]:
        return [change(*pair) for pair in zip(pictures, places, strict=True)]

    return changed


@dataclass(frozen=True)
class WriteOptions:
    """How results are written.

    Attributes:
        depth: 8, 16 or "float"; None for that of each picture, as far as the format holds it. A
            picture that is to become deeper does so before it is changed, so that the additional
            bits mean something.
        quality: of a JPEG or WebP, 1 to 100.
        over_input: whether a file may be replaced by its own result; never by another's, nor where
            the result would lack what the file has: ink (CMYK), a gain map, a video.
        black: the value that is black in what is read; None to find it, see `range_of`.
        white: the value that is white.
        resume: whether a file whose result is there, and is not older than the file, is passed
            over. A result is there whole or not at all, so it was finished; with which settings it
            was made, it does not tell.
    """

    depth: Depth | None = None
    quality: int | None = None
    overwrite_input: bool = False
    resume: bool = False
    black: float | None = None
    white: float | None = None


DEFAULT_OPTIONS = WriteOptions()


class Written(NamedTuple):
    """What is said of a file that was written.

    Attributes:
        left_out: the metadata that it does not have; see `write_pages`.
        left_alone: whether all its pages are as they were.
    """

    left_out: tuple[str, ...]
    left_alone: bool


class _AllLeftAloneError(Exception):
    """Stops the writing of a file of which no picture was changed."""


def _copy(source: Path, target: Path) -> None:
    """Make a file the same as another, byte for byte."""
    if same_file(source, target):
        return
    with writing_errors(target), atomic_path(target, like=source) as temporary:
        shutil.copyfile(source, temporary)


class PictureFile:
    """A file that is being restored: its pages made ready, and written when they are changed.

    Args:
        place: where it stands.
        writing: how the result is written.

    Raises:
        ImageFileError: it cannot be read, or what it is to become cannot be written.
    """

    def __init__(self, place: PagePlace, writing: WriteOptions) -> None:
        source, target = place.source, place.target
        if not writing.overwrite_input and same_file(source, target):
            raise ImageFileError(
                f"'{source}' would be overwritten by its own result; choose another output"
            )
        pages = count_pages(source)
        check_output(target, writing.depth, pages)  # before the work, not after it
        self.place = place._replace(pages=pages)
        self._writing = writing
        self._all_left_alone = True  # as far as the pages have been written
        self._is_deeper = False  # whether a page was converted before it was changed
        self._lost: dict[str, None] = {}  # what a rewritten file lacks; a copy lacks nothing
        self._depths, self._keeps = format_for(target).depths, format_for(target).keeps

    def restore(self, change: PictureChange) -> Written:
        """Change the pages one after the other, and write them."""
        places = (self.place._replace(page=page) for page in range(self.place.pages))
        changed = (
            change([page], [place])[0] for page, place in zip(self.pages(), places, strict=True)
        )
        return self.write(changed)

    @property
    def _may_copy(self) -> bool:
        """Whether a file whose pictures are all left alone is itself the result."""
        source, writing = self.place.source, self._writing
        kind = FORMATS.get(source.suffix.lower())
        return (
            kind == format_for(self.place.target)
            and not self._is_deeper
            and writing.quality is None
        )

    def pages(self) -> Iterator[Picture]:
        """The pages as they are to be changed: as deep as their results where those are deeper."""
        source, target = self.place.source, self.place.target
        common = self._common_ranges()
        for number, picture in enumerate(iter_pages(source)):
            check_picture(picture, target)  # before the work, not after it
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
                self._tell_range(picture)
            deeper = wanted.itemsize > picture.pixels.dtype.itemsize
            self._is_deeper |= deeper
            yield picture.astype(wanted) if deeper else picture

    def _losses(self, metadata: Metadata) -> Iterator[str]:
        """What the result would not hold, and nobody should miss unknowingly."""
        if metadata.ink:
            yield "holds ink (CMYK), which the result has as RGB, without its profile"
        attached = metadata.attached
        if attached is not None and attached.tail and "attached" not in self._keeps:
            names = ", ".join(attached.names)
            yield f"holds more than a picture ({names}), which only a JPEG keeps"

    def write(self, changed: Iterable[Picture]) -> Written:
        """Write the changed pages, each as soon as it is there; all of them or no file."""
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
        """The pages on their way, with a word on what their format cannot hold."""
        clipping = Clipping()
        same_depth = True
        for picture in changed:
            self._all_left_alone &= picture.left_alone
            if self._type_of(picture.pixels.dtype) != picture.pixels.dtype:
                same_depth = False
                clipping.add(picture)
            yield picture
        if self._all_left_alone and same_depth and self._may_copy:
            raise _AllLeftAloneError
        for loss in self._lost:
            warn(f"'{self.place.source}' {loss}")
        if clipping.words is not None:
            warn(
                f"'{self.place.source}': {clipping.words}, which '{self.place.target.name}' cannot "
                "hold; a .tif of depth float can"
            )

    def _type_of(self, given: np.dtype[Any]) -> np.dtype[Any]:
        return depth_for(given, self._depths, self._writing.depth)

    def _common_ranges(self) -> dict[np.dtype[Any], Range]:
        """The range of all pages of a type, where each by itself would be treated otherwise.

        That is so where they are to get another type, and where the range is taken from the values.
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
            ends = min(known.black, other.black), max(known.white, other.white)
            found[page.pixels.dtype] = Range(*ends)
        return found

    def _with_range(self, picture: Picture) -> Picture:
        """A page with the range that is given, or that is found in its values."""
        writing = self._writing
        if writing.black is None and writing.white is None:
            return picture
        known = range_of(picture.pixels, writing.black, writing.white, picture.no_data)
        return replace(picture, black=known.black, white=known.white)

    def _tell_range(self, picture: Picture) -> None:
        given = None not in (self._writing.black, self._writing.white)
        if picture.has_own_range and not given:
            known = Range(picture.black, picture.white or 1.0)
            warn(f"'{self.place.source}': {known.words}")
