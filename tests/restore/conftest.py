"""What tests of restoring share."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

ESTIMATED = 0.125


@pytest.fixture
def estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that finds 0.125 wherever there is any contrast, and 0 where there is none.

    Its map is that of the local mean, so that a test can tell one place from another.
    """
    from restorekit.restore import estimate

    def estimate_sigma(image: Tensor) -> Tensor:
        return ESTIMATED * (image.std(dim=(2, 3)) > 0).float()

    def noise_map(image: Tensor) -> Tensor:
        return image.mean(dim=1, keepdim=True)

    monkeypatch.setattr(estimate, "estimate_sigma", estimate_sigma)
    monkeypatch.setattr(estimate, "noise_map", noise_map)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`photos/` with two pictures, one in a folder below, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (8, 6), (10, 20, 30)).save(folder / "a.png")
    Image.new("L", (6, 8), 40).save(folder / "sub" / "b.tif")
    (folder / "notes.txt").write_text("no picture")
    return folder
