"""What tests of picture files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from restorekit.errors import ImageFileError
from restorekit.pictures.read_files import read_pages


@pytest.fixture
def refusal() -> Callable[[Path], str]:
    """The one line with which a file is refused."""

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
    """`photos/` with two pictures, one in a folder below, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (8, 6), (10, 20, 30)).save(folder / "a.png")
    Image.new("L", (6, 8), 40).save(folder / "sub" / "b.tif")
    (folder / "notes.txt").write_text("no picture")
    return folder
