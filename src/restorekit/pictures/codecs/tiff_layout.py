"""The directories of a TIFF, checked before any library decodes the file.

A TIFF is a chain of directories of entries, one for each page; an entry may point to further
directories. In a damaged or malicious file, chains may form loops or lead outside the file, and
entries may claim more data than it has. Libraries would run for minutes or allocate too much
memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, NamedTuple

from restorekit.pictures.picture import PictureError

# Byte order, and whether offsets have 8 bytes, by the first bytes.
MAGICS: Mapping[bytes, tuple[str, bool]] = {
    b"II*\x00": ("<", False),
    b"MM\x00*": (">", False),
    b"II+\x00": ("<", True),
    b"MM\x00+": (">", True),
}
SUBIFDS = 330
_DIRECTORIES = (SUBIFDS, 34665, 34853, 40965)  # the last three are those of EXIF
_SEGMENTS, _COUNTS = (273, 324), (279, 325)  # offsets and sizes of strips and tiles
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Size, depth, compression and place of the pixels: without them no page can be decoded.
_NEEDED = frozenset({256, 257, 258, 259, 262, 277, 339, *_SEGMENTS, *_COUNTS})
_MOST_PAGES = 100_000
_MOST_ENTRIES = 4096
_DEEPEST = 3  # levels of nested directories
_LARGEST_MISSING = 2**26  # bytes beyond the end that an optional entry may claim


class TiffEntry(NamedTuple):
    """An entry of a directory: type, number of values, and offset of the values."""

    kind: int
    length: int
    place: int

    @property
    def size(self) -> int:
        """Size of the values in bytes."""
        return self.length * _SIZES.get(self.kind, 1)


@dataclass(frozen=True)
class TiffDirectory:
    """A directory: its offset, its entries by code, and the offset of the next one, or 0."""

    offset: int
    entries: Mapping[int, TiffEntry]
    following: int


class TiffLayout:
    """The directories of a file.

    Args:
        file: a TIFF, which must stay open.

    Attributes:
        pages: the directory of each page.

    Raises:
        PictureError: the chain of pages forms a loop, leads outside the file or is too long, or an
            entry claims data outside the file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        file.seek(0)
        self.order, self._is_big = MAGICS[file.read(4)]
        self.pages = list(self._chain(self._first()))

    def values(self, entry: TiffEntry) -> tuple[int, ...]:
        """The integers of an entry; empty for other types, or if they are not in the file."""
        letter = _INTEGERS.get(entry.kind)
        self._file.seek(entry.place)
        data = self._file.read(entry.size) if entry.place + entry.size <= self.size else b""
        if letter is None or len(data) < entry.size:
            return ()
        return struct.unpack(f"{self.order}{entry.length}{letter}", data)

    def value(self, directory: TiffDirectory, code: int, default: int = 0) -> int:
        """The first integer of an entry, or the default."""
        entry = directory.entries.get(code)
        found = self.values(entry) if entry else ()
        return found[0] if found else default

    def below(
        self, directory: TiffDirectory, depth: int = _DEEPEST
    ) -> Iterator[tuple[int, TiffDirectory]]:
        """All directories below one, each with the code of the entry that points to it."""
        for code in _DIRECTORIES if depth else ():
            entry = directory.entries.get(code)
            for offset in self.values(entry)[:_MOST_ENTRIES] if entry else ():
                # Damaged directories below a page cost metadata, not the picture.
                if 0 < offset < self.size and (found := self._directory(offset, False)):
                    yield code, found
                    yield from self.below(found, depth - 1)

    def everything(self) -> Iterator[TiffDirectory]:
        """All directories, each once."""
        seen = set()
        for page in self.pages:
            for directory in (page, *(found for _, found in self.below(page))):
                if directory.offset not in seen:
                    seen.add(directory.offset)
                    yield directory

    def explained(self) -> int:
        """Number of bytes used by directories, values of entries, and pixels."""
        # The header; the constants of the loop include the counts and links of a directory.
        total = 16
        for directory in self.everything():
            total += len(directory.entries) * (20 if self._is_big else 12) + 16
            total += sum(entry.size for entry in directory.entries.values())
            counts = (directory.entries.get(code) for code in _COUNTS)
            total += sum(sum(self.values(entry)) for entry in counts if entry)
        return total

    def _first(self) -> int:
        head = self._file.read(12 if self._is_big else 4)
        if len(head) < (12 if self._is_big else 4):
            raise PictureError("it is damaged (it ends too early)")
        if not self._is_big:
            return int(struct.unpack(f"{self.order}I", head)[0])
        offset_size, _, offset = struct.unpack(f"{self.order}HHQ", head)
        if offset_size != 8:
            raise PictureError("it is damaged (its offsets have no known size)")
        return int(offset)

    def _chain(self, offset: int) -> Iterator[TiffDirectory]:
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise PictureError("it is damaged (its pages form a loop)")
            seen.add(offset)
            if len(seen) > _MOST_PAGES:
                raise PictureError(f"it has more than {_MOST_PAGES:,} pages")
            directory = self._directory(offset, True)
            if directory is None:
                raise PictureError("it is damaged (it ends too early: a page is missing)")
            yield directory
            offset = directory.following

    def _directory(self, offset: int, is_page: bool) -> TiffDirectory | None:
        """The directory at an offset; None if it is outside the file or invalid."""
        number, entry, end = ("Q", "HHQQ", "Q") if self._is_big else ("H", "HHII", "I")
        head = self._read(offset, struct.calcsize(f"={number}"))
        count = struct.unpack(f"{self.order}{number}", head)[0] if head else 0
        step, start = struct.calcsize(f"={entry}"), offset + struct.calcsize(f"={number}")
        if not 0 < count <= _MOST_ENTRIES or (data := self._read(start, count * step)) is None:
            return None
        entries = dict(self._entries(data, start, step, entry, count))
        if is_page:
            self._check(entries)
        rest = self._read(start + count * step, struct.calcsize(f"={end}"))
        following = struct.unpack(f"{self.order}{end}", rest)[0] if rest else 0
        return TiffDirectory(offset, entries, following)

    def _entries(
        self, data: bytes, start: int, step: int, form: str, count: int
    ) -> Iterator[tuple[int, TiffEntry]]:
        inline = 8 if self._is_big else 4
        for number in range(count):
            fields = struct.unpack_from(f"{self.order}{form}", data, number * step)
            code, kind, length, value = fields
            size = length * _SIZES.get(kind, 1)
            # Small values are stored in the entry in place of their offset.
            place = start + number * step + step - inline if size <= inline else value
            yield code, TiffEntry(kind, length, place)

    def _check(self, entries: Mapping[int, TiffEntry]) -> None:
        for code, entry in entries.items():
            missing = entry.place + entry.size - self.size
            if missing > (0 if code in _NEEDED else _LARGEST_MISSING):
                raise PictureError(f"it is damaged (it ends before its tag {code} does)")

    def _read(self, offset: int, length: int) -> bytes | None:
        self._file.seek(offset)
        data = self._file.read(length)
        return data if len(data) == length else None
