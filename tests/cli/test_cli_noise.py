"""`restorekit noise`: formulas and short forms of noises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def flat_picture(folder: Path) -> Path:
    """A gray picture of one value."""
    path = folder / "flat.png"
    Image.new("L", (64, 64), 128).save(path)
    return path


def levels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.array(image).astype(float)


def test_a_formula_is_applied(run: Any, tmp_path: Path) -> None:
    """The noise has the standard deviation of its two parts; -s changes an argument of it."""
    clean, noisy = flat_picture(tmp_path), tmp_path / "noisy.png"
    assert run("noise", clean, "-o", noisy, "-n", "gaussian(std=0.03) | gaussian(0.04)").code == 0
    assert abs(levels(noisy).std() / 255 - 0.05) < 0.003
    again = tmp_path / "again.png"
    assert run("noise", clean, "-o", again, "-n", "gaussian:5", "-s", "std=0.1").code == 0
    assert abs(levels(again).std() / 255 - 0.1) < 0.006


def test_a_wrong_formula_is_one_line(run: Any, tmp_path: Path) -> None:
    """With the place and the nearest name; nothing is written."""
    noisy = tmp_path / "noisy.png"
    outcome = run("noise", flat_picture(tmp_path), "-o", noisy, "-n", "poisson(pek=30) | jpeg")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "character 9: unknown argument 'pek'. Did you mean 'peak'?" in outcome.err
    assert not noisy.exists()
