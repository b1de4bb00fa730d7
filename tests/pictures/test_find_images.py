"""Finding the pictures of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorekit.errors import DataError
from restorekit.pictures.read_files import find_images


def test_find_images_is_recursive_and_sorted_and_skips_hidden_files(tmp_path: Path) -> None:
    """It finds pictures of every suffix, in upper and lower case, and only those."""
    wanted = ["B.PNG", "a/c.jpeg", "a/d/e.TIF", "z.webp"]
    for name in [*wanted, ".f.png", ".hidden/g.png", "notes.txt", "a/h.gif", "png"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_images(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == wanted
    assert find_images(str(tmp_path / "a" / "d")) == [tmp_path / "a" / "d" / "e.TIF"]


def test_missing_folder_names_the_nearest(tmp_path: Path) -> None:
    """The message suggests the folder that was meant; a file is not taken for a folder."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photo.png").touch()
    with pytest.raises(DataError, match=r"does not exist\. Did you mean 'photos'\?"):
        find_images(tmp_path / "phots")
    with pytest.raises(DataError, match="is a file, not a folder"):
        find_images(tmp_path / "photo.png")
