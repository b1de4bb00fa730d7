"""Checks of picture formats."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from restorekit.pictures.base import HEAD, Format
from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import DTYPES, Depth
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject

_LOSS = 0.04  # mean difference of a lossy format, as a share of the range


def suffixes(subject: Subject) -> None:
    """`suffixes` are in lower case with the dot, and `name` is what messages call the format."""
    kind = _format(subject)
    require(kind.suffixes, "no suffix")
    odd = [each for each in kind.suffixes if not each.startswith(".") or each != each.lower()]
    require(not odd, f"{', '.join(map(repr, odd))}")
    require(kind.name, "no name")


def round_trip(subject: Subject) -> None:
    """A written picture is read again with its size, channels, depth and pixels."""
    kind = _writable(subject)
    for depth in kind.depths:
        for channels in (1, 3):
            picture = _picture(channels, depth)
            with _written(kind, picture) as path:
                (again,) = kind.read_pages(path)
            colours = channels if kind.gray else 3
            shape = (*picture.pixels.shape[:2], colours)
            found = (again.pixels.shape, again.pixels.dtype)
            require(found == (shape, picture.pixels.dtype), f"{found} for {(shape, depth)}")
            change = np.abs(again.pixels.astype(float) - picture.pixels).mean()
            scale = 1.0 if depth == "float" else float(np.iinfo(picture.pixels.dtype).max)
            require(change <= _LOSS * scale, f"pixels differ by {change / scale:.1%} on average")


def recognised(subject: Subject) -> None:
    """A written file begins with the `signatures` of the format, if it has any."""
    kind = _writable(subject)
    if not kind.signatures:
        raise NotApplicable("its files are recognised by their suffix alone")
    with _written(kind, _picture(3, kind.depths[0])) as path:
        head = path.read_bytes()[:HEAD]
    require(kind.matches(head), f"a file that begins with {head[:8]!r}")


def pages(subject: Subject) -> None:
    """`count_pages` is the number of pictures that are read."""
    kind = _writable(subject)
    count = 2 if kind.pages else 1
    picture = _picture(3, kind.depths[0])
    with _written(kind, *[picture] * count) as path:
        found = (kind.count_pages(path), len(list(kind.read_pages(path))))
    require(found == (count, count), f"{found[0]} counted and {found[1]} read, of {count}")


def damaged_file(subject: Subject) -> None:
    """A file without content raises an error; it is not read as a picture."""
    kind = _format(subject)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"empty{kind.suffixes[0]}")
        path.touch()
        try:
            found = list(kind.read_pages(path))
        except Exception:  # any error will do; the library names the file
            return
    raise AssertionError(f"{len(found)} pictures in an empty file")


def _format(subject: Subject) -> Format:
    made: Format = subject.make()
    return made


def _writable(subject: Subject) -> Format:
    kind = _format(subject)
    if not kind.is_writable:
        raise NotApplicable("it can only be read")
    return kind


def _picture(channels: int, depth: Depth) -> Picture:
    """Smooth, so that a lossy format changes it little."""
    down, across = np.mgrid[0:24, 0:40] / 40
    pixels = np.stack([down, across, 1 - across][:channels], -1)
    dtype = DTYPES[depth]
    scale = 1 if depth == "float" else np.iinfo(dtype).max
    return Picture((pixels * scale).astype(dtype))


@contextmanager
def _written(kind: Format, *pictures: Picture) -> Iterator[Path]:
    """A file of these pictures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"picture{kind.suffixes[0]}")
        path.touch()
        size = sum(each.pixels.nbytes for each in pictures)
        kind.write_pages(iter(pictures), path, size, None)
        yield path


FORMAT_CHECKS = (*COMMON_CHECKS, suffixes, round_trip, recognised, pages, damaged_file)
