"""The credits of the training data, as written by the script."""

from __future__ import annotations

import csv
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "recipes" / "credits.py"
COLUMNS = ("source_repo_or_package", "source_path", "licence", "author_if_known")
ROWS = [
    ("acme/pictures", "a/owl.jpg", "CC-BY-SA-4.0", "Zoë  Ångström"),
    ("acme/pictures", "HEAD:cat.jpg", "CC0-1.0", ""),
    ("Some archive", "dog.png", "CC-BY-2.0", "Credit: “Dog” by Ann/flickr, CC BY 2.0"),
]


def test_every_picture_is_credited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its licence, its collection and its author, or a remark that one is unknown."""
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *ROWS])
    words = [str(SCRIPT), str(tmp_path / "train.csv"), str(tmp_path / "CREDITS.md")]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(SCRIPT), run_name="__main__")
    lines = (tmp_path / "CREDITS.md").read_text(encoding="utf-8").splitlines()
    assert "- [CC-BY-SA-4.0](https://creativecommons.org/licenses/by-sa/4.0/): 1" in lines
    assert "### [acme/pictures](https://github.com/acme/pictures)" in lines
    assert "### Some archive" in lines
    for line in (
        "- owl.jpg: Zoë Ångström",
        "- cat.jpg (author not stated)",
        "- dog.png: “Dog” by Ann/flickr, CC BY 2.0",
    ):
        assert line in lines
