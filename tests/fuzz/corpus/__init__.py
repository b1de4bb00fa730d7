"""Whole picture files of many kinds, built here; what the mutators begin with."""

from __future__ import annotations

from functools import cache

from tests.fuzz.corpus import jpeg, others, png, tiff


@cache
def corpus() -> dict[str, bytes]:
    """The files by name; the suffix is the one that their format has."""
    return {**png.files(), **jpeg.files(), **tiff.files(), **others.files()}
