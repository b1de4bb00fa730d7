"""What the README, the quickstart and the tutorial of plugins promise.

That their blocks of code work is in tests/docs/test_code_blocks.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorekit.cli.main import main
from restorekit.components.kinds import REGISTRIES
from tests.docs.pages import ROOT, Block
from tests.docs.pages import blocks as blocks_of_page

WITH_MISTAKES = ("README.md", "docs/quickstart.md")


def blocks(document: str) -> list[Block]:
    """The blocks of code of a document."""
    return blocks_of_page(ROOT / document)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two pictures to train on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (72, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("document", WITH_MISTAKES)
def test_the_error_message_shown_is_the_real_one(
    document: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The misspelt key in the text gives exactly the message that is shown."""
    config = next(b.text for b in blocks(document) if b.language == "json")
    quoted = next(b.text for b in blocks(document) if b.language == "text")
    (folder / "config.json").write_text(config.replace('"width"', '"widht"'))
    assert main(["train", "config.json"]) == 2
    assert capsys.readouterr().err == quoted


def test_the_readme_plugin_is_found_once_it_is_installed(tmp_path: Path) -> None:
    """Its module and entry point add a noise that another process finds and uses."""
    module = next(b.text for b in blocks("README.md") if "hookimpl" in b.text)
    entry = tomllib.loads(next(b.text for b in blocks("README.md") if b.language == "toml"))
    (name,) = entry["project"]["entry-points"]["restorekit"].values()
    (tmp_path / f"{name}.py").write_text(module)
    installed = tmp_path / f"{name}-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[restorekit]\n{name} = {name}\n")
    used = (
        "import restorekit, torch; noise = restorekit.create_noise('row_noise', std=0.5); "
        "shift = noise(torch.zeros(1, 3, 4, 5)); "
        "assert shift.std() > 0 and torch.equal(shift, shift[..., :1].expand(-1, -1, -1, 5))"
    )
    subprocess.run([sys.executable, "-c", used], cwd=tmp_path, check=True)


def test_the_callback_of_the_tutorial_prints_each_validation(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A noise registered by decorator trains, and an object follows the run."""
    for registry in REGISTRIES.values():  # so that nothing of the tutorial stays registered
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    namespace = {"__name__": "tutorial"}
    for block in blocks("docs/plugins.md"):
        if "row_shift" in block.text and block.language == "python":
            exec(block.text.replace("steps=20", "steps=2"), namespace)
    printed = capsys.readouterr().out
    assert re.findall(r"^runs/row_shift step (\d): [\d.]+ dB$", printed, re.MULTILINE) == ["1", "2"]
