"""The picture at the top of the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]


def test_it_is_made_by_the_bundled_networks(tmp_path: Path) -> None:
    """A part of it shows the same photograph twice, and the second has far less noise."""
    output = tmp_path / "picture.jpg"
    script = ROOT / "examples" / "readme_picture.py"
    command = [sys.executable, str(script), str(output), "--side", "128"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, after = map(float, re.findall(r"([\d.]+) dB", printed))
    assert after > before + 5
    with Image.open(output) as picture:
        assert picture.width > 2 * 128


def test_the_readme_has_it_and_its_command() -> None:
    """The file is part of the repository, with the size of the whole photograph."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert "](docs/images/denoised.jpg)" in text
    assert "python examples/readme_picture.py docs/images/denoised.jpg" in text
    with Image.open(ROOT / "docs" / "images" / "denoised.jpg") as picture:
        assert picture.width > 2 * 451
