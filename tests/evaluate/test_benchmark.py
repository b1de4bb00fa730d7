"""The benchmark: the same noise for every model, and the figures of scikit-image."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from pydantic import TypeAdapter
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor, nn

from restorekit import create_metric, create_model
from restorekit.cli.main import main
from restorekit.errors import ArgumentError, CheckpointError, DataError, ImageFileError, InputError
from restorekit.evaluate.benchmark import benchmark
from restorekit.evaluate.benchmark_results import BenchmarkResults, read_json, write_json
from restorekit.evaluate.model_identity import identify_model
from restorekit.evaluate.plots import write_plot
from restorekit.evaluate.protocol import Protocol
from restorekit.evaluate.tables import row_cells, short_labels, table_head, table_notes, to_markdown
from restorekit.weights import find_weights, load_model, read_card, save_model

CHANGED = {
    "seed": 1,
    "generator": "kair",
    "clip": True,
    "quantize": True,
    "round_output": True,
    "gray": True,
    "crop": 32,
    "border": 2,
    "limit": 2,
    "sigma": "estimated",
}
PROBE = (64, 64)  # the size at which a denoiser finds out whether a model uses sigma


class Spy(nn.Module):
    """A model that records its inputs and returns them times a factor.

    The noise level is added to the result, times `sigma_weight`.
    """

    def __init__(self, factor: float = 1.0, sigma_weight: float = 0.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.sigma_weight = sigma_weight
        self.given: list[Tensor] = []
        self.levels: list[float | None] = []

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        if noisy.shape[-2:] != PROBE:
            self.given.append(noisy.clone())
            self.levels.append(None if sigma is None else float(sigma.flatten()[0]))
        return noisy * self.factor + (0 if sigma is None else self.sigma_weight * sigma)


def measured(
    models: object, folder: Path, noises: object = "gaussian:25", **more: object
) -> BenchmarkResults:
    """A benchmark in float32."""
    return benchmark(models, folder, noises, precision="float32", device="cpu", **more)


def test_rows_are_what_scikit_image_measures(folder: Path) -> None:
    """The mean PSNR equals that of scikit-image for the same noisy pictures."""
    spy = Spy(0.9)
    (row,) = measured({"spy": spy}, folder).rows
    expected = []
    for picture, noisy in zip(row.pictures, spy.given[1:], strict=True):  # the first warms up
        clean = np.asarray(Image.open(folder / picture.name)) / 255
        restored = np.clip(noisy[0].movedim(0, 2).double().numpy() * 0.9, 0, 1)
        expected.append(peak_signal_noise_ratio(clean, restored, data_range=1.0))
        before = np.clip(noisy[0].movedim(0, 2).double().numpy(), 0, 1)
        value = peak_signal_noise_ratio(clean, before, data_range=1.0)
        assert picture.psnr_noisy == pytest.approx(value, abs=1e-3)
        assert picture.psnr == pytest.approx(expected[-1], abs=1e-3)
    assert row.psnr == pytest.approx(np.mean(expected), abs=1e-3)
    assert (row.model, row.noise, row.parameters) == ("spy", "gaussian:25", 1)
    assert row.seconds_per_megapixel > 0


def test_every_model_sees_the_same_noise(folder: Path) -> None:
    """Bit for bit, in any order of models and noises, and for a selection of pictures."""
    one, two, alone = Spy(), Spy(), Spy()
    measured({"one": one, "two": two}, folder, ["uniform:25", "gaussian:25"])
    measured({"alone": alone}, folder, "gaussian:25", protocol=Protocol(limit=2))
    assert len(one.given) == len(two.given) == 8
    for here, there in zip(one.given, two.given, strict=True):
        assert torch.equal(here, there)
    for here, there in zip(alone.given[1:], (one.given[5], one.given[7]), strict=True):
        assert torch.equal(here, there)


def test_names_of_files_make_no_difference(folder: Path) -> None:
    """Renamed pictures in another order give the same results and the same digest."""
    before = measured("median", folder)
    (folder / "a.png").rename(folder / "renamed.png")
    after = measured("median", folder)
    assert after.data.digest == before.data.digest
    assert sorted(p.psnr for p in after.rows[0].pictures) == sorted(
        p.psnr for p in before.rows[0].pictures
    )


def test_the_noisy_psnr_without_clamping_agrees_with_theory(folder: Path) -> None:
    """It is 20 log10(255 / 50) for the input of the models, and higher after clamping."""
    results = measured("median", folder, "gaussian:50")
    (row,) = results.rows
    assert row.psnr_unclamped == pytest.approx(20 * math.log10(255 / 50), abs=0.1)
    assert row.psnr_noisy > row.psnr_unclamped + 0.1
    (line,) = [note for note in table_notes(results) if note.startswith("noisy PSNR: ")]
    assert line.endswith(f"as the models receive it: gaussian:50 {row.psnr_unclamped:.2f}")
    (clipped,) = measured("median", folder, "gaussian:50", protocol=Protocol(clip=True)).rows
    assert clipped.psnr_unclamped == clipped.psnr_noisy == pytest.approx(row.psnr_noisy, abs=1e-4)


class TestCiting:
    def test_a_weights_file_is_identified_by_path_checksum_card_and_date(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """Also if it is given with a label."""
        file = tmp_path / "net.safetensors"
        save_model(create_model("dncnn", depth=2, width=4), file, {"step": 7})
        results = measured({"mine": str(file)}, folder, protocol=Protocol(limit=1))
        found = results.models["mine"]
        assert (found.path, found.given) == (str(file), str(file))
        assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert found.bytes == file.stat().st_size
        assert found.modified is not None
        written = datetime.fromisoformat(found.modified).timestamp()
        assert written == pytest.approx(file.stat().st_mtime, abs=1)
        assert found.card == read_card(file)
        assert found.weights == found.card["checksum"]
        assert datetime.fromisoformat(results.environment.date).tzinfo is not None

    def test_identity_of_modules_and_models_without_weights(self, folder: Path) -> None:
        """A module has its class and weights, the other its arguments and provider."""
        results = measured({"m": Spy(0.5), "n": Spy(0.5), "o": Spy(0.6)}, folder)
        m, n, o = (results.models[label].weights for label in "mno")
        assert m == n != o
        assert "Spy" in results.models["m"].describe()
        assert results.command is None  # there is none for a module
        median = measured("median:size=5", folder).models["median:size=5"]
        assert (median.path, median.weights) == (None, None)
        assert median.architecture["arguments"]["size"] == 5

    def test_named_weights_are_identified_without_a_local_path(self) -> None:
        """A name and a checksum can be compared on any machine."""
        found = identify_model("swift-photo", load_model("swift-photo"))
        assert found.path == "swift-photo.safetensors"
        assert found.sha256 == hashlib.sha256(find_weights("swift-photo").read_bytes()).hexdigest()

    @pytest.mark.parametrize("choice", [*CHANGED.items(), ("seed", 0)])
    def test_the_command_measures_the_same(
        self, choice: tuple[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The command in the JSON file, for any protocol, run next to the folder."""
        protocol = Protocol(**dict([choice]))
        models = {"m": "median:size=5"}
        results = measured(
            models, folder, ["gaussian:15,25", "gaussian:std=0.1"], protocol=protocol
        )
        assert results.command is not None
        monkeypatch.chdir(folder.parent)
        words = shlex.split(results.command)[1:]
        assert main([*words, "--json", "again.json"]) == 0
        again = read_json("again.json")
        assert (again.protocol, again.data, again.noises) == (
            results.protocol,
            results.data,
            results.noises,
        )
        assert [row.psnr for row in again.rows] == pytest.approx([r.psnr for r in results.rows])


def test_models_receive_the_level(folder: Path) -> None:
    """It is the standard deviation, also of uniform noise. Blind models do not receive it."""
    spy, blind = Spy(sigma_weight=0.01), Spy()
    measured({"spy": spy}, folder, ["gaussian:25", "uniform:51"], protocol=Protocol(limit=1))
    assert spy.levels == pytest.approx([25 / 255] * 2 + [0.2 / math.sqrt(3)] * 2)
    measured({"blind": blind}, folder, ["gaussian:25"], protocol=Protocol(limit=1))
    assert blind.levels == [None] * 2


def test_a_model_without_change_neither_gains_nor_loses(folder: Path) -> None:
    """The noisy and the restored figures are equal, and no picture gets worse."""
    (row,) = measured({"identity": Spy()}, folder).rows
    assert row.psnr == row.psnr_noisy
    assert row.ssim == row.ssim_noisy
    assert (row.worst_change, row.worsened) == (0, 0)


def test_pairs_of_real_noise(pairs: Path) -> None:
    """Compared with a known constant error; pictures that get worse are counted."""
    (row,) = measured({"darker": Spy(0.99)}, pairs, (), pairs=True).rows
    assert row.noise == "real"
    before = [-20 * math.log10(step / 255) for step in (4, 12)]
    after = [-20 * math.log10(abs((100 + step) * 0.99 - 100) / 255) for step in (4, 12)]
    assert row.psnr_noisy == pytest.approx(sum(before) / 2, abs=1e-3)
    assert [p.psnr for p in row.pictures] == pytest.approx(after, abs=1e-2)
    assert row.worsened == 0
    (worse,) = measured({"brighter": Spy(1.01)}, pairs, (), pairs=True).rows
    assert worse.worsened == 2
    assert worse.worst_change < 0


def test_classical_models_need_no_weights(folder: Path) -> None:
    """They are given by name, with arguments; architectures without weights are refused."""
    results = measured(["median", "median:size=5"], folder)
    assert [row.model for row in results.rows] == ["median", "median:size=5"]
    assert all(row.parameters == 0 and row.psnr > row.psnr_noisy + 2 for row in results.rows)
    with pytest.raises(CheckpointError, match="'unet' is an architecture without trained weights"):
        measured("unet", folder)


def test_a_fixed_size_can_be_timed(folder: Path) -> None:
    """A warm-up and five runs at that size follow those at the sizes of the pictures."""
    spy = Spy()
    (row,) = measured({"spy": spy}, folder, speed_size=72).rows
    assert row.timed == "72x72 pixels"
    assert [tuple(x.shape) for x in spy.given[4:]] == [(1, 3, 72, 72)] * 6


def test_rows_are_reported_as_they_come(folder: Path) -> None:
    """Each call receives all rows so far."""
    seen: list[int] = []
    measured(
        ["median"], folder, ["uniform:9", "gaussian:25"], report=lambda r: seen.append(len(r.rows))
    )
    assert seen == [1, 2]


class Picky(nn.Module):
    """A model that raises below a height."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, noisy: Tensor) -> Tensor:
        if noisy.shape[-2] == 40:
            raise self.error
        return noisy


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("too small"), "too small"),
        (RuntimeError("kernel size\ncan't be greater"), "RuntimeError: kernel size can't be great"),
    ],
)
def test_a_model_that_fails_on_a_picture_has_no_row(
    folder: Path, error: Exception, reason: str
) -> None:
    """The table names the picture and keeps the other rows."""
    reports: list[BenchmarkResults] = []
    models = {"one": Spy(), "picky": Picky(error), "two": Spy()}
    results = measured(models, folder, report=reports.append)
    assert [row.model for row in results.rows] == ["one", "two"]
    assert all(len(row.pictures) == 3 for row in results.rows)
    (refusal,) = results.refusals
    assert (refusal.model, refusal.noise) == ("picky", "gaussian:25")
    assert (refusal.picture, refusal.size) == ("b.png", (48, 40))
    assert refusal.reason.startswith(reason)
    assert refusal.describe() in table_notes(results)
    assert "\n" not in refusal.describe()
    assert [len(r.rows) + len(r.refusals) for r in reports] == [1, 2, 3]


@pytest.mark.parametrize(
    ("models", "noises", "pairs", "line"),
    [
        ("median", (), False, "give noises, or pairs of pictures with real noise"),
        ("median", "gaussian:25", True, "give noises, or pairs .* \\(not both\\)"),
        ([], "gaussian:25", False, "no model given"),
        (["median", "median"], "gaussian:25", False, "two models have the label 'median'"),
    ],
)
def test_mistakes(folder: Path, models: object, noises: object, pairs: bool, line: str) -> None:
    """One line each."""
    with pytest.raises(ArgumentError, match=line):
        measured(models, folder, noises, pairs=pairs)


def test_real_noise_is_not_made(pairs: Path) -> None:
    """Options for making noise are refused, and are not in the protocol."""
    for choice in ({"clip": True}, {"quantize": True}, {"generator": "kair"}):
        with pytest.raises(ArgumentError, match="pairs have real noise"):
            measured("median", pairs, (), pairs=True, protocol=Protocol(**choice))
    (line, *_) = table_notes(measured("median", pairs, (), pairs=True))
    assert "real noise" in line
    assert "seed" not in line


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
