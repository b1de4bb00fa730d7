"""Notes of programs in TIFF files, which are kept as far as they remain valid."""

from __future__ import annotations

from dataclasses import dataclass, replace

# An entry of a directory, in the form that tifffile expects.
Tag = tuple[int, str | int, int, object, bool]


@dataclass(frozen=True)
class Note:
    """Entries of a page that belong together.

    Attributes:
        name: name of the entries for messages.
        tags: the entries.
        otherwise: the entries that remain valid at another depth; None if all do.
        lost: name of the other entries for messages.
        is_of_places: whether they refer to rows and columns, so that they become invalid if the
            picture is turned.
    """

    name: str
    tags: tuple[Tag, ...]
    otherwise: tuple[Tag, ...] | None = None
    lost: str = ""
    is_of_places: bool = False


def is_of_tifffile(description: str) -> bool:
    """Whether a description is the JSON that tifffile writes, which contains the shape."""
    return description.startswith("{") and '"shape":' in description


def with_other_values(notes: tuple[Note, ...]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """The notes that are valid at another depth, and the names of the others."""
    kept = tuple(
        note if note.otherwise is None else replace(note, tags=note.otherwise, otherwise=None)
        for note in notes
        if note.otherwise is None or note.otherwise
    )
    return kept, tuple(note.lost for note in notes if note.otherwise is not None)


def turned(notes: tuple[Note, ...]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """The notes that are valid after turning the picture, and the names of the others."""
    kept = tuple(note for note in notes if not note.is_of_places)
    return kept, tuple(note.name for note in notes if note.is_of_places)
