"""The examples of the gallery run, with short training; `make docs` runs them in full."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

import restorekit

GALLERY = Path(__file__).parents[2] / "examples" / "gallery"
SCRIPTS = sorted(GALLERY.glob("plot_*.py"))


@pytest.fixture(autouse=True)
def _gallery(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The working directory is theirs, and figures are drawn without a window."""
    backend = matplotlib.get_backend()
    monkeypatch.chdir(GALLERY)
    matplotlib.use("agg")
    yield
    plt.close("all")
    matplotlib.use(backend)


def run(script: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a script with two steps of training, and return the titles of its panels."""
    titles: list[str] = []

    def show() -> None:
        figures = [plt.figure(number) for number in plt.get_fignums()]
        titles.extend(panel.get_title() for figure in figures for panel in figure.axes)
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    source = re.sub(r"steps=\d+", "steps=2", script.read_text("utf-8"))
    exec(compile(source, script, "exec"), {"__name__": "__main__"})
    return titles


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_shows_a_picture(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a warning; that of the noises shows all of them, that of the weights as well."""
    titles = run(script, monkeypatch)
    assert titles
    if script.stem.endswith("noises"):
        assert set(filter(None, titles)) == set(restorekit.list_noises())
    if script.stem.endswith("weights"):
        restored = [title.partition(":")[0] for title in titles if ": restored" in title]
        assert restored == restorekit.list_weights()
