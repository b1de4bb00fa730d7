"""The commands and examples of the README and the documentation work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from restorekit.cli.main import main
from restorekit.components.kinds import REGISTRIES

ROOT = Path(__file__).parents[2]
GUIDES = ("quickstart", "python", "denoising", "analysis", "micrographs", "scans")
DOCUMENTS = ("README.md", *(f"docs/{name}.md" for name in GUIDES))
UV_INSTALL = ["uv", "pip", "install"]
WITH_MISTAKES = ("README.md", "docs/quickstart.md")


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    text: str


def blocks(document: str) -> list[Block]:
    """The fenced blocks of a document, without directives."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(*pair) for pair in found]


def shortened(text: str) -> str:
    """The same text with training runs of a few small steps."""
    text = re.sub(r'(steps"?\s*[=:]\s*)\d+', r"\g<1>2", text)
    return text.replace('"width": 32', '"width": 4')


def shell_commands(text: str) -> list[list[str]]:
    """The commands of a shell block, each as a list of words."""
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))]


def check_command(words: list[str]) -> None:
    """Run a command of restorekit; for other commands, check that the named files exist."""
    if words[:3] == ["uvx", "--from", "."]:  # in an environment of its own
        words = words[3:]
    if words[0] == "restorekit":
        assert main(words[1:]) == 0, words
    elif words[0] == "torchrun":  # slow to start: tests/cli has two processes
        assert words[3:6] == ["-m", "restorekit", "denoise"], words
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
    elif words[:2] in (["pip", "install"], ["pipx", "install"]) or words[:3] == UV_INSTALL:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = re.findall(r"\[(.*?)\]", " ".join(words))
        assert set(extras) <= set(project["optional-dependencies"]), words
        what = re.sub(r"\[.*", "", words[-1])
        assert what == project["name"] or (ROOT / what).exists(), words
    else:
        raise AssertionError(f"this test does not know the command {words}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a picture and a folder of pictures, as the documents assume."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number, path in enumerate(("photo.jpg", "photos/a.jpg", "photos/b.png")):
        pixels = np.random.default_rng(number).integers(0, 256, (72, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / path)
    cells = 100 + np.random.default_rng(3).poisson(200, (2, 64, 72)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", cells, photometric="minisblack")
    torch.save(published(), tmp_path / "dncnn_25.pth")
    return tmp_path


def published() -> dict[str, torch.Tensor]:
    """Random weights in the layout of KAIR's folded DnCNN, three layers of four channels."""
    sizes = [(4, 3), (4, 4), (3, 4)]
    generator = torch.Generator().manual_seed(0)
    weights = [0.1 * torch.randn(*size, 3, 3, generator=generator) for size in sizes]
    named = {f"model.{2 * i}.weight": weight for i, weight in enumerate(weights)}
    return named | {f"model.{2 * i}.bias": torch.zeros(w.shape[0]) for i, w in enumerate(weights)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_of_a_document_works_in_order(document: str, folder: Path) -> None:
    """Python runs, commands succeed and JSON trains, one block after the other."""
    for language, text in blocks(document):
        if language == "python":
            exec(compile(shortened(text), document, "exec"), {"__name__": "document"})
        elif language == "json":
            (folder / "config.json").write_text(shortened(text))
        elif language == "shell":
            for words in shell_commands(shortened(text)):
                check_command(words)
        else:
            assert language in ("text", "toml")


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


def test_the_python_of_the_plugin_tutorial_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A noise registered by decorator trains, and a callback object receives each validation."""
    for registry in REGISTRIES.values():  # so that nothing of the tutorial stays registered
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    namespace = {"__name__": "tutorial"}
    for language, text in blocks("docs/plugins.md"):
        if language == "python":
            exec(compile(shortened(text), "docs/plugins.md", "exec"), namespace)
    told = re.findall(
        r"^runs/row_shift step (\d): [\d.]+ dB$", capsys.readouterr().out, re.MULTILINE
    )
    assert told == ["1", "2"]
