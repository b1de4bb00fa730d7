"""denoise: the values of black and white."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile


def test_range_reaches_the_denoiser(run: Any, tmp_path: Path, engine: Any) -> None:
    """--black and --white apply to every picture; a detected range is a line on stderr."""
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    tifffile.imwrite(tmp_path / "a.tif", values)
    call = ("denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif")
    outcome = run(*call, "--black", "-2", "--white", "2")
    assert (outcome.code, outcome.err) == (0, "")
    outcome = run(*call)
    assert (outcome.code, outcome.err.count("\n")) == (0, 1)
    assert "a.tif': black -1 and white 1 were taken from the values" in outcome.err
    ranges = [(meaning.black, meaning.white) for meaning in engine.meanings]
    assert ranges == [(-2, 2), (-1, 1)]


def test_a_given_range_is_that_of_the_input_depth(run: Any, tmp_path: Path, engine: Any) -> None:
    """The range refers to the values of the file, not to those after the conversion."""
    tifffile.imwrite(tmp_path / "a.tif", np.full((8, 8), 300, np.uint16))
    call = ("denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--depth", "float")
    assert run(*call, "--black", "100", "--white", "500").code == 0
    assert np.allclose(engine.given[0], 0.5)
    assert (engine.meanings[0].black, engine.meanings[0].white) == (0, 1)


def test_pages_have_one_range(run: Any, tmp_path: Path, engine: Any) -> None:
    """All pages of a stack of floats get the same scaling, and one warning."""
    stack = np.stack([np.linspace(0, high, 64).reshape(8, 8) for high in (300.0, 900.0)])
    tifffile.imwrite(tmp_path / "a.tif", stack.astype(np.float32), photometric="minisblack")
    outcome = run("denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif")
    assert outcome.err.count("\n") == 1
    assert {(meaning.black, meaning.white) for meaning in engine.meanings} == {(0, 900)}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--white bright", "--white is a number, or auto, not 'bright'"),
        ("--black nan", "--black is a number, or auto, not 'nan'"),
        ("--black 5 --white 5", "white must be greater than black"),
    ],
)
def test_a_wrong_range_is_refused(
    refused: Callable[..., str], pictures: Path, engine: Any, words: str, fault: str
) -> None:
    """A wrong range is reported before anything is read."""
    assert fault in refused("denoise", pictures / "a.png", *words.split())
