"""The benchmark: the same noise for every model, and the figures of scikit-image."""

from __future__ import annotations

import hashlib
import math
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor, nn

from restorekit import create_model
from restorekit.cli.main import main
from restorekit.errors import ArgumentError, CheckpointError, InputError
from restorekit.evaluate.benchmark_results import BenchmarkResults, read_json
from restorekit.evaluate.model_identity import identify_model
from restorekit.evaluate.protocol import Protocol
from restorekit.evaluate.tables import table_notes
from restorekit.weights import find_weights, load_model, read_card, save_model
from tests.evaluate.measuring import Spy, measured

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
    "stabilize": "auto",
}


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
        with pytest.raises(ArgumentError, match="the pictures have real noise"):
            measured("median", pairs, (), pairs=True, protocol=Protocol(**choice))
    (line, *_) = table_notes(measured("median", pairs, (), pairs=True))
    assert "real noise" in line
    assert "seed" not in line


@pytest.mark.parametrize("mode", ["off", "auto", "on"])
def test_noise_is_stabilised_by_request(mode: Literal["off", "auto", "on"], tmp_path: Path) -> None:
    """Then the noise of dark and of bright areas has the same strength for the model."""
    generator = np.random.default_rng(0)
    clean = np.tile(np.linspace(0.05, 0.9, 192), (192, 1))
    for name, image in (("gt", clean), ("noisy", generator.poisson(clean / 0.005) * 0.005)):
        (tmp_path / name).mkdir()
        pixels = (image * 255).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / name / "a.png")
    spy = Spy(sigma_weight=1e-6)
    protocol = Protocol(stabilize=mode)
    measured({"spy": spy}, tmp_path, [], pairs=True, protocol=protocol)
    change = spy.given[-1][0, 0].diff(dim=0)
    ratio = float(change[:, -40:].std() / change[:, :40].std())
    assert ratio > 2 if mode == "off" else ratio == pytest.approx(1, abs=0.15)
