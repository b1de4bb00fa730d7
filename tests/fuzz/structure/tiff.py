"""TIFF, which EXIF is as well: directories and their entries changed, loops and long chains."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.structure.lists import EXTREMES, rearrange

_TAGS: tuple[int, ...] = (
    254,
    256,
    257,
    258,
    259,
    262,
    266,
    270,
    273,
    274,
    277,
    278,
    279,
    282,
    284,
    296,
    317,
    320,
    322,
)
_TAGS += (
    323,
    324,
    325,
    330,
    338,
    339,
    347,
    530,
    700,
    33628,
    33629,
    34665,
    34675,
    34853,
    50706,
    50838,
)
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
# Values that matter for a tag: compressions, photometrics, sample formats, ...
_LIKELY: dict[int, tuple[int, ...]] = {
    258: (1, 2, 4, 8, 10, 12, 14, 16, 24, 32, 64, 128),
    259: (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 34887, 34892, 34925, 50000, 50001, 50002),
    262: (0, 1, 2, 3, 4, 5, 6, 8, 9, 32803, 34892),
    277: (0, 1, 2, 3, 4, 5, 17, 65535),
    284: (0, 1, 2, 3),
    317: (1, 2, 3, 34892, 34894),
    338: (0, 1, 2, 3, 999),
    339: (0, 1, 2, 3, 4, 5, 6),
}


@dataclass(frozen=True)
class Entry:
    """One entry of a directory; `value` is the field that holds the value or where it lies."""

    tag: int
    type: int
    count: int
    value: bytes


class Layout:
    """How a file's numbers lie: its byte order, and the widths of plain and of big TIFF."""

    def __init__(self, content: bytes) -> None:
        self.order = "<" if content[:2] == b"II" else ">"
        self.big = content[2:4] in (b"+\0", b"\0+")
        self.word = "Q" if self.big else "I"
        self.width = 8 if self.big else 4
        self.number = "Q" if self.big else "H"
        self.head = 8 if self.big else 4  # where the first directory's place is written

    def read(self, form: str, content: bytes, place: int) -> tuple[int, ...]:
        """Numbers at a place; struct.error where the file ends before."""
        return struct.unpack_from(self.order + form, content, place)

    def packed(self, form: str, *values: int) -> bytes:
        """Numbers as the file holds them."""
        return struct.pack(self.order + form, *values)


def mutate(content: bytes, random: Random) -> bytes:
    """One directory changed."""
    layout = Layout(content)
    try:
        links = list(_links(content, layout))
    except struct.error:
        return content
    if not links:
        return content
    link = random.choice(links)
    entries, follow = _directory(content, layout, layout.read(layout.word, content, link)[0])
    how = random.randrange(8)
    if how == 0:
        entries = rearrange(entries, random)
    elif how == 1:
        follow = _some_place(content, layout, links, random)
    elif how == 2:
        return _linked(content, layout, link, _some_place(content, layout, links, random))
    elif how == 3:
        return _linked(content, layout, random.choice(links), len(content) - random.randrange(20))
    elif entries:
        place = random.randrange(len(entries))
        entries[place] = _changed(entries[place], content, layout, links, random)
    return _with_directory(content, layout, link, entries, follow)


def looping(content: bytes) -> bytes:
    """The file with its last directory followed by its first."""
    layout = Layout(content)
    links = list(_links(content, layout))
    entries, _ = _directory(content, layout, layout.read(layout.word, content, links[-1])[0])
    return _with_directory(
        content, layout, links[-1], entries, layout.read(layout.word, content, links[0])[0]
    )


def chained(content: bytes, length: int, keep: bool = False) -> bytes:
    """The file with so many more directories, copies of the first or empty ones."""
    layout = Layout(content)
    first = layout.read(layout.word, content, layout.head)[0]
    entries = _directory(content, layout, first)[0]
    entries = entries if keep else [Entry(254, 4, 1, bytes(layout.width))]
    link = first + len(_packed(layout, _directory(content, layout, first)[0], 0)) - layout.width
    made = bytearray(content)
    for _ in range(length):
        place = len(made) + len(made) % 2
        made[link : link + layout.width] = layout.packed(layout.word, place)
        made += bytes(place - len(made)) + _packed(layout, entries, 0)
        link = len(made) - layout.width
    return bytes(made)


def _links(content: bytes, layout: Layout) -> Iterator[int]:
    """Where the places of the directories are written, in the order of the chain."""
    link, seen = layout.head, set()
    while (place := layout.read(layout.word, content, link)[0]) and place not in seen:
        seen.add(place)
        (count,) = layout.read(layout.number, content, place)
        if count > 4096:
            return
        yield link
        link = place + struct.calcsize("<" + layout.number) + count * (4 + 2 * layout.width)


def _directory(content: bytes, layout: Layout, place: int) -> tuple[list[Entry], int]:
    (count,) = layout.read(layout.number, content, place)
    place += struct.calcsize("<" + layout.number)
    entries = []
    for _ in range(count):
        tag, kind, number = layout.read(f"HH{layout.word}", content, place)
        value = content[place + 4 + layout.width : place + 4 + 2 * layout.width]
        entries.append(Entry(tag, kind, number, value))
        place += 4 + 2 * layout.width
    return entries, layout.read(layout.word, content, place)[0]


def _changed(
    entry: Entry, content: bytes, layout: Layout, links: list[int], random: Random
) -> Entry:
    how = random.randrange(6)
    if how == 0:
        return replace(entry, tag=random.choice(_TAGS))
    if how == 1:
        return replace(entry, type=random.choice([0, *_WIDTHS, 13, 99, 65535]))
    if how == 2:
        return replace(entry, count=random.choice(EXTREMES) % 2 ** (8 * layout.width))
    if how == 3:
        place = _some_place(content, layout, links, random)
        return replace(entry, value=layout.packed(layout.word, place))
    value = random.choice(_LIKELY.get(entry.tag, EXTREMES))
    width = min(_WIDTHS.get(entry.type, 4), layout.width)
    octets = (value % 2 ** (8 * width)).to_bytes(width, "little" if layout.order == "<" else "big")
    return replace(entry, value=(octets * layout.width)[: layout.width])


def _some_place(content: bytes, layout: Layout, links: list[int], random: Random) -> int:
    """A directory's place, one within the file, or one far beyond."""
    places = [layout.read(layout.word, content, link)[0] for link in links]
    extreme = random.choice(EXTREMES) % 2 ** (8 * layout.width)
    choices: list[int] = [*places, random.randrange(len(content)), len(content), extreme]
    return random.choice(choices)


def _with_directory(
    content: bytes, layout: Layout, link: int, entries: list[Entry], follow: int
) -> bytes:
    """The file with a new directory at its end, in place of the one that a link leads to."""
    content += bytes(len(content) % 2)
    return _linked(content + _packed(layout, entries, follow), layout, link, len(content))


def _packed(layout: Layout, entries: list[Entry], follow: int) -> bytes:
    parts = [layout.packed(f"HH{layout.word}", e.tag, e.type, e.count) + e.value for e in entries]
    return (
        layout.packed(layout.number, len(entries))
        + b"".join(parts)
        + layout.packed(layout.word, follow)
    )


def _linked(content: bytes, layout: Layout, link: int, place: int) -> bytes:
    return content[:link] + layout.packed(layout.word, place) + content[link + layout.width :]
