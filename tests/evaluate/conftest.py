"""Small folders of pictures for measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small colour photographs of different sizes, one in a subfolder."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name, pixels in {
        "a.png": data.astronaut()[40:88, 200:264],
        "b.png": data.coffee()[100:140, 200:248],
        "deep/c.png": data.chelsea()[60:124, 100:148],
    }.items():
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Clean pictures in gt/ and noisy ones in noisy/, with the usual names of such sets."""
    folder = tmp_path / "real"
    (folder / "gt").mkdir(parents=True)
    (folder / "noisy").mkdir()
    for number, level in enumerate((4, 12), start=1):
        clean = np.full((16, 20, 3), 100, np.uint8)
        Image.fromarray(clean).save(folder / "gt" / f"{number:02}_gt.png")
        Image.fromarray(clean + np.uint8(level)).save(folder / "noisy" / f"{number:02}_noise.png")
    return folder
