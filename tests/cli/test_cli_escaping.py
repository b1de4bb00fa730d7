"""Text from files, cards and plugins is escaped before it is printed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import restorekit
from restorekit import create_model, save_model
from restorekit.components.registry import Registry
from restorekit.errors import PluginWarning
from restorekit.train.shown_progress import ConsoleProgress

HOSTILE = "a\x1b[31m\x9b2J\u202e\r\nb\x07"


def assert_harmless(text: str) -> None:
    """Every line is printable."""
    for line in text.split("\n"):
        assert line.isprintable(), line


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A weights file whose name and card contain control characters."""
    path = tmp_path / f"{HOSTILE}.safetensors"
    fields = ("summary", "purpose", "noise_range", "license", "limits", "recipe")
    card: dict[str, Any] = dict.fromkeys(fields, HOSTILE)
    card |= {"psnr": {HOSTILE: {HOSTILE: HOSTILE}}, HOSTILE: [HOSTILE], "credits": f"{HOSTILE}.txt"}
    save_model(create_model("dncnn", depth=2, width=1), path, card)
    (tmp_path / f"{HOSTILE}.txt").write_text(f"one {HOSTILE}\ntwo", encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("words", [[], ["--json"], ["--credits"]])
def test_a_card(run: Any, hostile: Path, words: list[str]) -> None:
    """As a table, as JSON, and in the text file next to the weights."""
    outcome = run("info", hostile, *words)
    assert (outcome.code, outcome.err) == (0, "")
    assert_harmless(outcome.out)


def test_a_card_without_summary(run: Any, tmp_path: Path) -> None:
    """It is printed as a plain table, escaped too."""
    path = tmp_path / "a.safetensors"
    save_model(create_model("dncnn", depth=2, width=1), path, {"noise": {"name": HOSTILE}})
    assert_harmless(run("info", path).out)


def test_weights_in_a_listing(run: Any, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names and summaries."""
    monkeypatch.setenv("RESTOREKIT_WEIGHTS", str(hostile.parent))
    outcome = run("list", "weights")
    assert "\\x1b[31m" in outcome.out
    assert_harmless(outcome.out)


def test_names_of_files(run: Any, tmp_path: Path, pictures: Path) -> None:
    """They are escaped in the lines on stdout and in messages on stderr."""
    target = tmp_path / f"{HOSTILE}.png"
    outcome = run("noise", pictures / "a.png", "-o", target, "-n", "gaussian")
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1
    assert_harmless(outcome.out)
    outcome = run("noise", tmp_path / f"no{HOSTILE}.png", "-o", target, "-n", "gaussian")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert_harmless(outcome.err)


def test_texts_of_plugins(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are escaped in warnings and in errors."""

    def warn(*_: object, **__: object) -> list[str]:
        warnings.warn(HOSTILE, PluginWarning, stacklevel=1)
        raise OSError(5, HOSTILE, HOSTILE)

    monkeypatch.setattr(Registry, "names", warn)
    outcome = run("list")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 2
    assert_harmless(outcome.err)


def test_a_line_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines above the progress bar of a training are escaped."""
    ConsoleProgress(1).say(HOSTILE)
    assert_harmless(capsys.readouterr().err)


def test_a_long_word_of_the_command_line(run: Any) -> None:
    """It is shortened in the message."""
    outcome = run("x" * 100_000)
    assert outcome.code == 2
    assert len(outcome.err) < 1100


def test_everything_is_printed_in_one_place() -> None:
    """No command uses `print`, or writes to a stream itself."""
    folder = Path(restorekit.__file__).parent / "cli"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                writes = called.endswith(("stdout.write", "stderr.write", "file.write"))
                assert called != "print", f"{path.name}: use print_line"
                assert not writes or path.name == "output.py"


def test_a_name_that_cannot_be_decoded(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are escaped in stdout and in JSON lines."""
    name = str(tmp_path / "\udcff\udc9b.safetensors")
    save_model(create_model("dncnn", depth=2, width=1), name)
    for words in ([], ["--json"]):
        command = [sys.executable, "-m", "restorekit", "info", name, *words]
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stdout.decode("ascii")
        if words:
            json.loads(done.stdout)
