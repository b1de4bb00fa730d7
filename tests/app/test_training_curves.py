"""Following a training run by its records."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from restorekit.app.training_curves import (
    curve_of,
    describe_run,
    draw_run,
    find_runs,
    loss_curve,
    run_folder,
    state_of,
)
from restorekit.errors import DataError
from restorekit.train.history import read_history


def row(step: int, phase: str = "train", **values: Any) -> dict[str, Any]:
    """A record of a run."""
    return {"step": step, "phase": phase, "loss": 1 / step, "terms": {}, **values}


def write(folder: Path, *rows: dict[str, Any]) -> None:
    """Append records to those of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metrics.jsonl").open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in rows)


def test_the_newest_run_is_first(tmp_path: Path) -> None:
    """Runs are found at any depth; folders without records are none."""
    for number, name in enumerate(("old", "deep/new", "middle")):
        write(tmp_path / name, row(1))
        os.utime(tmp_path / name / "metrics.jsonl", (0, (10, 30, 20)[number]))
    (tmp_path / "empty").mkdir()
    assert find_runs(tmp_path) == ["deep/new", "middle", "old"]
    assert find_runs(tmp_path / "missing") == []


@pytest.mark.parametrize("name", ["../secret", "/etc", "photo"])
def test_only_runs_that_were_found_can_be_followed(tmp_path: Path, name: str) -> None:
    """A visitor cannot read a folder outside; a wrong name gets the nearest one."""
    write(tmp_path / "secret", row(1))
    write(tmp_path / "runs" / "photos", row(1))
    with pytest.raises(DataError, match="has no run"):
        run_folder(tmp_path / "runs", name)
    assert run_folder(tmp_path / "runs", "photos") == tmp_path / "runs" / "photos"


def test_new_records_are_noticed(tmp_path: Path) -> None:
    """The state changes when a record is added, and only then."""
    write(tmp_path, row(1))
    before = state_of(tmp_path)
    assert state_of(tmp_path) == before
    write(tmp_path, row(2))
    assert state_of(tmp_path) != before
    assert state_of(tmp_path / "missing") == (0, 0)


def test_the_curves_have_what_was_measured(tmp_path: Path) -> None:
    """Loss of both phases and PSNR; a damaged line and values that are not finite are left out."""
    write(tmp_path, row(10), row(20, loss=None), row(20, "validation", psnr=30.5, psnr_noisy=20.0))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 30, "pha')
    rows = read_history(tmp_path)
    assert loss_curve(rows, "train") == ([10], [0.1])
    assert loss_curve(rows, "validation") == ([20], [0.05])
    assert curve_of(rows, "psnr") == ([20], [30.5])
    figure = draw_run(rows)
    assert [axis.get_title() for axis in figure.axes] == ["Loss", "PSNR (dB)"]
    labels = {line.get_label() for axis in figure.axes for line in axis.lines}
    assert labels == {"train", "validation", "restored", "noisy"}
    assert describe_run(rows) == (
        "Step 20, train loss 0.1, validation loss 0.05, PSNR 30.50 dB, best 30.50 dB."
    )


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    """There is nothing to draw yet."""
    write(tmp_path)
    assert describe_run(read_history(tmp_path)) == "Nothing has been measured yet."
    assert draw_run([]).axes[0].lines[:] == []


def test_a_long_run_is_thinned() -> None:
    """At most as many points as a screen shows, with the first and the latest."""
    curve = curve_of([row(step) for step in range(1, 10_001)], "loss")
    assert len(curve.steps) <= 2001
    assert (curve.steps[0], curve.steps[-1]) == (1, 10_000)
