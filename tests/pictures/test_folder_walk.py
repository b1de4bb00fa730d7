"""Listing a folder: every file in it is counted."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from restorekit.errors import DataError
from restorekit.pictures.folder_walk import describe_unread, walk_folder
from restorekit.pictures.read_files import find_images


def make(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_every_visible_file_is_a_picture_or_counted(tmp_path: Path) -> None:
    """Each suffix of JPEG is recognised; other files are counted by kind, except hidden ones."""
    make(tmp_path, "a.jpg", "b.JFIF", "c.jpe", "deep/d.png", ".hidden.png", ".git/e.png")
    make(tmp_path, "a.HEIC", "deep/b.heic", "c.nef", "d.gif", "README", "x.12-34", "y.png~")
    found = walk_folder(tmp_path)
    assert [path.name for path in found.images] == ["a.jpg", "b.JFIF", "c.jpe", "d.png"]
    assert found.others == {
        "HEIC": 2,
        "NEF": 1,
        "GIF": 1,
        "without a suffix": 1,
        "of no kind": 2,
    }


def test_links_to_folders_are_counted_and_not_followed(tmp_path: Path) -> None:
    """Also one that leads to a parent folder; links to pictures are pictures."""
    make(tmp_path, "in/a.png", "elsewhere/b.png")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "in" / "loop.png").symlink_to("loop.png")
    found = walk_folder(tmp_path / "in")
    assert [path.name for path in found.images] == ["a.png", "gone.png", "loop.png"]
    assert found.others == {"link to a folder": 2}


def test_a_folder_that_is_skipped_is_not_counted(tmp_path: Path) -> None:
    """For example the output folder inside the input folder."""
    make(tmp_path, "a.png", "out/a.png", "out/report.html")
    assert walk_folder(tmp_path, tmp_path / "out") == walk_folder(tmp_path, tmp_path / "." / "out")
    assert [path.name for path in walk_folder(tmp_path, tmp_path / "out").images] == ["a.png"]
    assert not walk_folder(tmp_path, tmp_path / "out").others


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    """Other folders are listed; a dataset, which must be complete, is refused."""
    make(tmp_path, "a.png", "locked/b.png")
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = walk_folder(tmp_path)
    assert [path.name for path in found.images] == ["a.png"]
    assert found.unreadable == [tmp_path / "locked"]
    with pytest.raises(DataError, match=r"locked' cannot be listed"):
        find_images(tmp_path)


def test_the_description_of_kinds_is_short() -> None:
    """Sorted by frequency, then by name; if there are many kinds, the rest is summed up."""
    assert describe_unread(Counter({"GIF": 1, "HEIC": 3, "AVIF": 1})) == "3 HEIC, 1 AVIF, 1 GIF"
    many = Counter({f"K{number}": 1 for number in range(10)})
    assert describe_unread(many).endswith("1 K7, 2 of other kinds")
