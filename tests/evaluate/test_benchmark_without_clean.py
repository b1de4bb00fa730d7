"""A benchmark of noisy pictures of which no clean ones are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from restorekit import ArgumentError, benchmark
from restorekit.cli.main import main
from restorekit.evaluate.benchmark_results import read_json
from restorekit.evaluate.tables import to_markdown
from tests.metric_parameters import write_metric_parameters

BRISQUE = "brisque:weights=brisque.pt"


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two noisy pictures, with the parameters of metrics next to it."""
    monkeypatch.chdir(tmp_path)
    write_metric_parameters(tmp_path)
    folder = tmp_path / "noisy"
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for name, size in {"a.png": (40, 48), "b.png": (32, 64)}.items():
        Image.fromarray(drawn.normal(120, 25, size).clip(0, 255).astype(np.uint8)).save(
            folder / name
        )
    return folder


def test_metrics_without_a_reference_are_measured(noisy: Path) -> None:
    """Before and after; PSNR and SSIM are unknown, also in the JSON file that is read again."""
    results = benchmark("median", noisy, noisy=True, metrics=BRISQUE, json="results.json")
    (row,) = results.rows
    assert row.noise == "real"
    assert row.mean("brisque") != row.mean_noisy("brisque")
    assert not row.has_clean
    assert np.isnan([row.psnr, row.psnr_noisy, row.ssim, row.worst_change]).all()
    assert read_json("results.json") == results
    saved: Any = json.loads(Path("results.json").read_text())
    assert saved["rows"][0]["means"]["psnr"] is None
    assert saved["rows"][0]["means"]["brisque"] == row.mean("brisque")
    head, _, cells = to_markdown(results).splitlines()[:3]
    assert [each.strip() for each in head.split("|")][3:5] == ["noisy brisque", "brisque"]
    assert head.count("|") == cells.count("|")
    assert "PSNR" not in to_markdown(results)


def test_the_printed_command_repeats_the_measurement(
    noisy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the arguments of the metric."""
    words = ["benchmark", "median", "--data", "noisy", "--noisy", "--metric", BRISQUE]
    assert main([*words, "--json", "first.json"]) == 0
    assert "no clean pictures" in capsys.readouterr().out
    command = read_json("first.json").command
    assert command is not None
    assert "--noisy" in command
    assert '"weights": "brisque.pt"' in command


def test_metrics_with_arguments_are_measured_with_clean_pictures_too(noisy: Path) -> None:
    """As a column in addition to PSNR."""
    (row,) = benchmark("median", noisy, "gaussian:25", metrics=[BRISQUE, "psnr_y"]).rows
    assert row.has_clean
    assert set(row.pictures[0].metrics) == {"brisque", "psnr_y"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "such as niqe and brisque; none is given"),
        ({"metrics": [BRISQUE, "psnr_y"]}, "'psnr_y' compares with it"),
        ({"metrics": BRISQUE, "plot": "plot.png"}, "plot shows PSNR"),
        ({"metrics": BRISQUE, "pairs": True}, "give pairs, or noisy pictures"),
        ({"metrics": BRISQUE, "noises": "gaussian:25"}, "give noises, or pictures with real"),
        ({"metrics": "brisque:brisque.pt"}, "write the arguments of a metric as name:key=value"),
    ],
)
def test_what_needs_clean_pictures_is_refused(
    noisy: Path, arguments: dict[str, Any], message: str
) -> None:
    """Before anything is restored."""
    with pytest.raises(ArgumentError, match=message):
        benchmark("median", noisy, **{"noisy": True, **arguments})
