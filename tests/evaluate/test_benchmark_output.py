"""The results of a benchmark: files, tables, plots and further metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from pydantic import TypeAdapter

from restorekit import create_metric
from restorekit.cli.main import main
from restorekit.errors import ArgumentError, DataError, ImageFileError
from restorekit.evaluate.benchmark_results import BenchmarkResults, read_json, write_json
from restorekit.evaluate.plots import write_plot
from restorekit.evaluate.tables import row_cells, short_labels, table_head, table_notes, to_markdown
from tests.evaluate.measuring import Spy, measured


class TestOutput:
    @pytest.fixture
    def results(self, folder: Path) -> BenchmarkResults:
        """Two models under two noises, one of which has level 0."""
        return measured(["median", "median:size=5"], folder, ["gaussian:25", "gaussian:0"])

    def test_json_validates_and_comes_back(self, results: BenchmarkResults, tmp_path: Path) -> None:
        """It is valid by its schema, without NaN or infinity, and is read back equal."""
        write_json(results, tmp_path / "r.json")
        given = json.loads((tmp_path / "r.json").read_text(), parse_constant=pytest.fail)
        jsonschema.validate(given, TypeAdapter(BenchmarkResults).json_schema())
        assert given["noises"]["gaussian:25"] == {"name": "gaussian", "std": 25 / 255}
        assert given["rows"][0]["means"]["psnr"] == pytest.approx(results.rows[0].psnr)
        assert given["rows"][2]["means"]["psnr_noisy"] is None  # no noise: infinite
        assert read_json(tmp_path / "r.json") == results
        assert given["command"] == results.command

    def test_no_other_json_is_taken(self, tmp_path: Path) -> None:
        """The message names the path of a missing file and of other JSON."""
        with pytest.raises(DataError, match=r"none.json': not a result of restorekit benchmark"):
            read_json(tmp_path / "none.json")
        (tmp_path / "other.json").write_text("{}")
        with pytest.raises(DataError, match=r"other.json': not a result of restorekit benchmark"):
            read_json(tmp_path / "other.json")

    def test_the_table_carries_its_protocol(self, results: BenchmarkResults) -> None:
        """A row for each result, with as many cells as the header, then every note."""
        lines = to_markdown(results).splitlines()
        assert [line.count("|") for line in lines[:6]] == [len(table_head(results)) + 1] * 6
        assert "| gaussian:0 | median | equal |" in lines[4]
        assert lines[7:] == [f"- {note}" for note in table_notes(results)]
        text = " ".join(lines[7:])
        for fact in ("seed 0", "unclipped", results.data.digest, torch.__version__, "float32"):
            assert fact in text

    def test_labels_that_are_cut_stay_different(self) -> None:
        """The end of a path is kept; a short label is unchanged."""
        paths = [f"/home/someone/experiments/run{n}/noise2noise/best.safetensors" for n in (1, 2)]
        short = short_labels(["median", *paths, f"other{paths[0][5:]}"], 30)
        assert short["median"] == "median"
        assert len(set(short.values())) == 4
        assert all(len(cut) <= 33 for cut in short.values())
        assert short[paths[0]].endswith("best.safetensors")

    def test_a_mean_says_how_many_pictures_are_equal(self, results: BenchmarkResults) -> None:
        """One picture that equals its clean one makes the mean infinite, so they are counted."""
        row = results.rows[0]
        one = (replace(row.pictures[0], psnr=None), *row.pictures[1:])
        for pictures, cell in ((one, "1 equal"), ((one[0],) * 3, "equal")):
            assert row_cells(replace(row, pictures=pictures))[3] == cell

    def test_a_label_stays_in_its_cell(self, results: BenchmarkResults) -> None:
        """Special characters of a file name do not break the table."""
        row = replace(results.rows[0], model="a|b\nc\x1b[1m")
        (line,) = to_markdown(replace(results, rows=(row,))).splitlines()[2:3]
        assert r"| a&#124;b\nc\x1b[1m |" in line
        assert list(short_labels(["a\nb"]).values()) == [r"a\nb"]

    def test_results_of_an_older_format_are_refused(
        self, results: BenchmarkResults, tmp_path: Path
    ) -> None:
        """Their noise was different, so the message asks to measure again."""
        write_json(replace(results, format=1), tmp_path / "old.json")
        with pytest.raises(DataError, match=r"old.json'.*format 1, not 2; measure again"):
            read_json(tmp_path / "old.json")

    def test_a_plot_that_cannot_be_drawn_is_an_error_of_one_line(
        self, results: BenchmarkResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For example if matplotlib finds no font; no file is left behind."""

        def fails(*_: Any, **__: Any) -> None:
            raise ValueError("Failed to find font")

        monkeypatch.setattr(Figure, "savefig", fails)
        with pytest.raises(ImageFileError, match=r"cannot draw '.*a\.png': Failed to find font"):
            write_plot(results, tmp_path / "a.png")
        assert not list(tmp_path.glob("*a*.png"))

    def test_the_plot_is_a_picture(self, results: BenchmarkResults, tmp_path: Path) -> None:
        """It has a panel for each noise; names may contain special characters."""
        row = replace(results.rows[0], model="$x_1$ & <y>")
        write_plot(replace(results, rows=(*results.rows, row)), tmp_path / "two.png")
        write_plot(replace(results, rows=results.rows[:1]), tmp_path / "one.png")
        with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
            assert one.format == two.format == "PNG"
            assert two.width > 1.5 * one.width
        with pytest.raises(ImageFileError, match=r"cannot draw '.*two.pgn'. Did you mean '.png'"):
            write_plot(results, tmp_path / "two.pgn")


def test_other_metrics_are_measured_by_name(folder: Path, tmp_path: Path) -> None:
    """The values are those of the metric itself, in the table, the JSON file and the command."""
    spy = Spy(0.9)
    results = measured({"spy": spy}, folder, metrics=["psnr_y", "ssim"])
    (row,) = results.rows
    metric = create_metric("psnr_y")
    for picture, noisy in zip(row.pictures, spy.given[1:], strict=True):
        clean = torch.from_numpy(np.asarray(Image.open(folder / picture.name)).copy())
        clean = clean.movedim(2, 0)[None] / 255
        assert picture.metrics["psnr_y"] == pytest.approx(float(metric(noisy * 0.9, clean)))
        assert picture.metrics_noisy["psnr_y"] == pytest.approx(float(metric(noisy, clean)))
    assert results.metrics == {"psnr_y": True}  # SSIM is measured anyway
    assert table_head(results)[5] == "psnr_y"
    assert row_cells(row, results.metrics)[5] == f"{row.mean('psnr_y'):.4f}"
    assert "psnr_y: higher is better" in table_notes(results)
    write_json(results, tmp_path / "results.json")
    again = read_json(tmp_path / "results.json")
    assert again.rows[0].mean("psnr_y") == row.mean("psnr_y")


def test_a_metric_that_no_picture_is_large_enough_for(folder: Path) -> None:
    """It is refused before anything is restored; the message has the picture and its size."""
    with pytest.raises(ArgumentError, match=r"ms_ssim.*161x161 pixels; 'a\.png' has 64x48"):
        measured("median", folder, metrics="ms_ssim")


def test_the_command_measures_other_metrics(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--metric` adds a column."""
    words = ["benchmark", "median", "--data", str(folder), "--noise", "gaussian:25"]
    assert main([*words, "--metric", "psnr_y"]) == 0
    out = capsys.readouterr().out.splitlines()
    head, cells = out[0].replace("noisy PSNR", "noisy").split(), out[1].split()
    value = cells[head.index("psnr_y")]
    assert float(value) == pytest.approx(float(cells[head.index("PSNR")]), abs=10)
    assert len(value.partition(".")[2]) == 4
