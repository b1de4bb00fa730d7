"""Fixtures for tests of picture files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from restorekit.errors import ImageFileError
from restorekit.pictures.read_files import read_pages


@pytest.fixture
def refusal() -> Callable[[Path], str]:
    """The message for a file that is refused."""

    def refusal(path: Path) -> str:
        with pytest.raises(ImageFileError) as caught:
            read_pages(path)
        message = str(caught.value)
        assert "\n" not in message
        assert str(path) in message
        return message

    return refusal


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`photos/` with two pictures, one of them in a subfolder, and another file."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (8, 6), (10, 20, 30)).save(folder / "a.png")
    Image.new("L", (6, 8), 40).save(folder / "sub" / "b.tif")
    (folder / "notes.txt").write_text("no picture")
    return folder
