"""The entries of an EXIF block, read where they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # in bytes


class Entry(NamedTuple):
    """An entry of a directory: byte order, code, type, number of values, and its offset."""

    order: str
    code: int
    kind: int
    length: int
    place: int


def entries_of(block: bytes, code: int) -> Iterator[Entry]:
    """The entries of the first directory, or of the directory that its entry `code` points to."""
    order = _order(block)
    if order is None or len(block) < 8:
        return
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if code:
        found = (
            number_of(block, entry) for entry in entries_at(block, start) if entry.code == code
        )
        start = next(found, None) or len(block)
    yield from entries_at(block, start)


def entries_at(block: bytes, start: int) -> Iterator[Entry]:
    """The entries of the directory at an offset."""
    order = _order(block)
    if order is None or start + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, start)
    # A damaged block may declare more entries than it has bytes for.
    for place in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        code, kind, length = struct.unpack_from(f"{order}HHI", block, place)
        yield Entry(order, code, kind, length, place)


def number_of(block: bytes, entry: Entry) -> int | None:
    """The value of an entry with one integer of 16 or 32 bits; None for others."""
    kind = {3: "H", 4: "I"}.get(entry.kind)
    if kind is None or entry.length != 1:
        return None
    return int(struct.unpack_from(f"{entry.order}{kind}", block, entry.place + 8)[0])


def content_of(block: bytes, entry: Entry) -> bytes | None:
    """The values of an entry as little-endian bytes; None if some are missing."""
    start, stop = _extent(block, entry)
    content = block[start:stop]
    if not content or len(content) < stop - start:
        return None
    if entry.order == "<":
        return content
    width = 4 if entry.kind in (5, 10) else SIZES[entry.kind]  # a fraction has two integers
    numbers = (content[start : start + width] for start in range(0, len(content), width))
    return b"".join(number[::-1] for number in numbers)


def scale_numbers(
    patched: bytearray, block: bytes, entry: Entry, factors: tuple[float, float]
) -> None:
    """Multiply whole numbers or fractions, by turns with both factors.

    All numbers of an entry stay if one of them does not fit into their type.

    Args:
        patched: a copy of the block, which is changed.
        block: the original, since entries may share a fraction.
        entry: one of its entries.
        factors: two factors above 0.
    """
    start, stop = _extent(block, entry)
    letters = {3: "H", 4: "I", 5: "II"}.get(entry.kind)
    if letters is None or stop > len(block):
        return
    numbers = struct.iter_unpack(f"{entry.order}{letters}", block[start:stop])
    scaled = [_scaled(number, factors[turn % 2]) for turn, number in enumerate(numbers)]
    with suppress(struct.error):  # a number does not fit
        content = (struct.pack(f"{entry.order}{letters}", *number) for number in scaled)
        patched[start:stop] = b"".join(content)


def _scaled(number: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """A whole number, or numerator and denominator of a fraction, times a factor."""
    above, *below = number
    scaled = round(above * factor)
    if below and scaled >= 2**32 and (divided := round(below[0] / factor)):
        return above, divided
    return scaled, *below


def ratio_of(block: bytes, entry: Entry) -> float:
    """The value of an entry with one fraction; 0 for others."""
    (place,) = struct.unpack_from(f"{entry.order}I", block, entry.place + 8)
    if entry.kind != 5 or place + 8 > len(block):
        return 0.0
    above, below = struct.unpack_from(f"{entry.order}II", block, place)
    return float(above / below) if below else 0.0


def _extent(block: bytes, entry: Entry) -> tuple[int, int]:
    """Where the values of an entry start and end; damaged blocks may be shorter."""
    size, place = SIZES.get(entry.kind, 0) * entry.length, entry.place + 8
    if size > 4:
        (place,) = struct.unpack_from(f"{entry.order}I", block, place)
    return place, place + size


def _order(block: bytes) -> str | None:
    return {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
