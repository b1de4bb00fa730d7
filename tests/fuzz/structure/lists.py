"""Changes of a list of parts, which a file of chunks or segments is."""

from __future__ import annotations

from random import Random
from typing import TypeVar

Part = TypeVar("Part")

# Numbers at which sizes, counts and offsets go wrong.
EXTREMES: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    7,
    255,
    256,
    4095,
    32767,
    32768,
    65535,
    65536,
    20_000,
    10**6,
    10**8,
)
EXTREMES += (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)


def rearrange(parts: list[Part], random: Random) -> list[Part]:
    """The parts with one left out, doubled, moved, or repeated thousands of times."""
    if not parts:
        return parts
    place, other = random.randrange(len(parts)), random.randrange(len(parts) + 1)
    part = parts[place]
    rest = parts[:place] + parts[place + 1 :]
    how = random.randrange(10)
    if how < 3:
        return rest
    if how < 6:
        return [*parts[:other], part, *parts[other:]]
    if how < 9:
        return [*rest[:other], part, *rest[other:]]
    return [*parts[:place], *[part] * random.choice([10, 300, 3000]), *parts[place + 1 :]]
