"""Small files that are processed together, and files shared among processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.errors import InputError
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.file_plan import plan_outputs
from restorekit.pictures.processing.many_files import process_files
from restorekit.pictures.processing.one_file import (
    PagePlace,
)
from tests.pictures.processing.inversion import invert, pixel

# Small ones together


class Watched:
    """An inversion that records the batches, and refuses one value."""

    def __init__(self, refused: int = -1) -> None:
        self.calls: list[list[str]] = []
        self.refused = refused

    def __call__(self, pictures: Sequence[Picture], places: Sequence[PagePlace]) -> list[Picture]:
        self.calls.append([place.source.stem for place in places])
        if any((picture.pixels == self.refused).any() for picture in pictures):
            raise InputError("refused")
        return [replace(picture, pixels=255 - picture.pixels) for picture in pictures]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """`crops/` with five gray squares of values 0 to 4, a wide picture, and two more squares."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for value in range(8):
        Image.new("L", (9, 4) if value == 5 else (4, 4), value).save(folder / f"{value}.png")
    return folder


def test_small_consecutive_pictures_of_one_size_form_a_batch(crops: Path, tmp_path: Path) -> None:
    """As many as the limit allows, in order, each written to its own file."""
    plan, watched = plan_outputs([crops], tmp_path / "out"), Watched()
    told: list[int] = []
    summary = process_files(
        plan, watched, at_once=3 * 16, report=lambda done: told.append(done.place.number)
    )
    assert watched.calls == [["0", "1", "2"], ["3", "4"], ["5"], ["6", "7"]]
    assert told == list(range(8))
    assert summary.restored == 8
    assert [pixel(target) for _, target in plan] == [255 - value for value in range(8)]


def test_large_pictures_are_processed_alone(crops: Path, tmp_path: Path) -> None:
    """One with more than half of the limit is finished before the next is read."""
    watched = Watched()
    process_files(plan_outputs([crops], tmp_path / "out"), watched, at_once=2 * 16 - 1)
    assert watched.calls == [[str(value)] for value in range(8)]


def test_pages_of_a_file_are_processed_one_by_one(tmp_path: Path) -> None:
    """They are read when needed, since there may be thousands."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    watched = Watched()
    process_files([(tmp_path / "a.tif", tmp_path / "b.tif")], watched, at_once=1000)
    assert watched.calls == [["a"]] * 3


def test_one_that_cannot_be_restored_fails_alone(crops: Path, tmp_path: Path) -> None:
    """The others of its batch are restored one by one, as are neighbours of a broken file."""
    (crops / "1-broken.png").write_bytes(b"\x89PNG")
    plan, watched = plan_outputs([crops], tmp_path / "out"), Watched(refused=3)
    summary = process_files(plan, watched, at_once=1000)
    assert [path.stem for path, _ in summary.failures] == ["1-broken", "3"]
    one_by_one = [["1"], ["2"], ["3"], ["4"]]
    assert watched.calls == [["0"], ["1", "2", "3", "4"], *one_by_one, ["5"], ["6", "7"]]
    made = sorted(path.stem for path in (tmp_path / "out").iterdir())
    assert made == ["0", "1", "2", "4", "5", "6", "7"]


# Several processes


def test_shares_are_disjoint_and_complete(photos: Path, tmp_path: Path) -> None:
    """Each file belongs to one process, and keeps its number in the whole plan."""
    for name in "cdefg":
        Image.new("L", (3, 3)).save(photos / f"{name}.png")
    plan = plan_outputs([photos], tmp_path / "out")
    places: list[PagePlace] = []
    counts = []
    for rank in range(3):
        summary = process_files(
            plan, invert, rank=rank, world=3, report=lambda done: places.append(done.place)
        )
        counts.append(summary.restored)
    assert counts == [3, 2, 2]
    assert sorted((place.number, place.source) for place in places) == [
        (number, source) for number, (source, _) in enumerate(plan)
    ]
