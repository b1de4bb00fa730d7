"""A case, what came of it, and how a kind says that something is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

# What an attack does within its own empty folder; returns "done" or "refused".
Attack = Callable[[Random, Path], str]


class Broken(Exception):  # noqa: N818
    """Something that must hold does not."""


@dataclass(frozen=True)
class Case:
    """One attack, which its kind and seed determine."""

    kind: str
    seed: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.seed}"

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case that `str` has written."""
        kind, _, seed = text.partition(":")
        return cls(kind, int(seed))

    def random(self) -> Random:
        """The source of everything that is random in it."""
        return Random(str(self))


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
        case: as `str(case)`.
        outcome: "done", "refused" or "failed".
        detail: of a failure, what is broken and where.
        seconds: wall-clock time.
        mebibytes: peak resident memory of the process.
        last: whether the worker ends after it, since the case has changed its state.
    """

    case: str
    outcome: str
    detail: str = ""
    seconds: float = 0.0
    mebibytes: int = 0
    last: bool = False

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Verdict:
        """What `to_line` has written."""
        return cls(**json.loads(line))
