"""Mutations of any bytes: flips, cuts, copies, fields of extreme value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

_NUMBERS = (0, 1, -1, 2, 127, 255, 256, 32767, 65535, 65536, 10**6, 2**31 - 1, -(2**31), 2**63 - 1)


def mutate_bytes(content: bytes, random: Random) -> bytes:
    """The content changed in one way."""
    return random.choice(_WAYS)(content, random) if content else random.randbytes(3)


def splice(first: bytes, second: bytes, random: Random) -> bytes:
    """The head of one file and the tail of another."""
    return first[: random.randrange(len(first) + 1)] + second[random.randrange(len(second) + 1) :]


def _flip(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    # Headers are short, and most of what can go wrong is in them.
    reach = len(changed) if random.random() < 0.5 else min(len(changed), 200)
    for _ in range(random.choice([1, 1, 2, 8])):
        changed[random.randrange(reach)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _truncate(content: bytes, random: Random) -> bytes:
    lost = random.choice([1, 2, 4, random.randrange(len(content)), random.randrange(len(content))])
    return content[: max(len(content) - lost, 0)]


def _number(content: bytes, random: Random) -> bytes:
    """A field of 2, 4 or 8 bytes gets an extreme value, or one next to its old value."""
    form = random.choice("<>") + random.choice("HIQ")
    width = struct.calcsize(form)
    if len(content) < width:
        return content + b"\xff"
    reach = len(content) if random.random() < 0.3 else min(len(content), 400)
    place = random.randrange(max(reach - width, 0) + 1)
    (was,) = struct.unpack_from(form, content, place)
    value = random.choice([*_NUMBERS, was + 1, was - 1, was * 2]) % 2 ** (8 * width)
    return content[:place] + struct.pack(form, value) + content[place + width :]


def _fill(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + random.choice([b"\0", b"\xff", b"A"]) * (end - start) + content[end:]


def _drop(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + content[end:]


def _copy(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    place = random.randrange(len(content) + 1)
    return content[:place] + content[start:end] + content[place:]


def _insert(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.randbytes(random.choice([1, 2, 16, 5000])) + content[place:]


def _span(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content))
    return start, min(start + random.choice([1, 2, 4, 13, 100, 10_000]), len(content))


_WAYS: tuple[Callable[[bytes, Random], bytes], ...]
_WAYS = (_flip, _flip, _truncate, _number, _number, _fill, _drop, _copy, _insert)
