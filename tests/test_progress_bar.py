"""The option `progress`: nothing, a function, or a bar on a terminal, in a notebook or in a log."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import restorekit
from restorekit.errors import ArgumentError
from restorekit.progress_bar import ProgressBar, progress_reported

CELL = """
from restorekit.progress_bar import progress_reported
with progress_reported(True, "cleaning") as report:
    for done in range(4):
        report(done, 3, f"[red]{done}.png")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small pictures and one that cannot be read."""
    (tmp_path / "in").mkdir()
    for name in ("a", "c"):
        Image.fromarray(np.full((16, 16), 120, np.uint8)).save(tmp_path / "in" / f"{name}.png")
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    return tmp_path


OPERATIONS: dict[str, Callable[..., object]] = {
    "denoise": lambda at, **given: restorekit.denoise_files(
        at / "in", at / "out", model="median", **given
    ),
    "noise": lambda at, **given: restorekit.add_noise_files(
        at / "in", at / "out", "gaussian", **given
    ),
    "analyze": lambda at, **given: restorekit.analyze_files(at / "in", **given),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_function_is_called_for_each_file(name: str, folder: Path) -> None:
    """Before the first, and after each, also if it failed; with the total and the name."""
    calls: list[tuple[int, int, str]] = []
    OPERATIONS[name](folder, progress=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [call[2][:5] for call in calls] == ["", "a.png", "b.png", "c.png"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_exception_of_the_function_ends_the_work(name: str, folder: Path) -> None:
    """So that it can be cancelled; what was written stays."""

    def cancel(done: int, total: int, message: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OPERATIONS[name](folder, progress=cancel)
    assert [path.name for path in (folder / "out").glob("*")] == ["a.png"] * (name != "analyze")


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("progress", [None, 1, "bar"])
def test_anything_else_is_refused(name: str, progress: object, folder: Path) -> None:
    """Before any file is read."""
    with pytest.raises(ArgumentError, match=r"progress is True, False, or a function of \(done, "):
        OPERATIONS[name](folder, progress=progress)
    assert not (folder / "out").exists()


def test_nothing_is_shown_unless_it_is_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Results are logged below `restorekit`: failures as warnings, the others as information."""
    with caplog.at_level(logging.INFO, "restorekit"):
        OPERATIONS["denoise"](folder)
    assert capsys.readouterr() == ("", "")
    logged = [each for each in caplog.records if each.name == "restorekit.operations.file_jobs"]
    assert [each.levelname for each in logged] == ["INFO", "WARNING", "INFO"]
    assert "b.png': failed: cannot read" in logged[1].message


def test_without_a_terminal_there_are_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, the last one in any case; brackets in a name are not markup."""
    (folder / "in" / "c.png").rename(folder / "in" / "c[red].png")
    OPERATIONS["denoise"](folder, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == "files 3/3  c[red].png: left alone"


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows label, number and text, and the cursor is shown again at the end."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar("cleaning [x]") as bar:
        bar.update(1, 2, "a[red].png")
        bar.say("an event")
    text = terminal.getvalue()
    for part in ("cleaning [x]", "1/2", "a[red].png", "an event\n"):
        assert part in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_in_a_notebook_a_bar_moves() -> None:
    """One output, which is replaced; without ipywidgets and without warnings."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(CELL)]
    NotebookClient(book, timeout=120).execute()
    (output,) = book.cells[0].outputs
    assert output.output_type == "display_data"
    assert "3/3" in output.data["text/plain"]
    assert "[red]3.png" in output.data["text/html"]


def test_a_bar_leaves_nothing_behind_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The error passes through."""
    with pytest.raises(ZeroDivisionError), progress_reported(True, "x") as report:
        report(1, 0, str(1 // 0))
    assert capsys.readouterr().err == ""
