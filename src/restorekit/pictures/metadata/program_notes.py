"""What programs note in a TIFF besides its pixels: kept in TIFFs, as far as it still holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

Tag = tuple[
    int, str | int, int, object, bool
]  # an entry of a TIFF's directory, as tifffile takes it


@dataclass(frozen=True)
class Note:
    """Entries of a page that belong together.

    Attributes:
        name: what messages call them.
        tags: the entries.
        otherwise: those that hold where the pixels get other values, at another depth; None for the
            same.
        lost: what messages call the rest.
        is_of_places: whether they speak of rows and columns, and do not hold for a turned picture.
    """

    name: str
    tags: tuple[Tag, ...]
    otherwise: tuple[Tag, ...] | None = None
    lost: str = ""
    is_of_places: bool = False


def is_of_tifffile(description: str) -> bool:
    """Whether it is what tifffile notes of an array: JSON with its shape among other entries."""
    return description.startswith("{") and '"shape":' in description


def with_other_values(notes: tuple[Note, ...]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """The notes that hold for pixels at another depth, and the names of what does not."""
    kept = tuple(
        note if note.otherwise is None else replace(note, tags=note.otherwise, otherwise=None)
        for note in notes
        if note.otherwise is None or note.otherwise
    )
    return kept, tuple(note.lost for note in notes if note.otherwise is not None)


def turned(notes: tuple[Note, ...]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """The notes that hold for a picture that is turned upright, and the names of the others."""
    kept = tuple(note for note in notes if not note.is_of_places)
    return kept, tuple(note.name for note in notes if note.is_of_places)
