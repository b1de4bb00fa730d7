"""The published figures: cards, page and commands agree with the file of results."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from skimage import data

from restorekit import create_model
from restorekit.config.noise_expressions import read_noises
from restorekit.evaluate.benchmark import benchmark
from restorekit.evaluate.benchmark_results import write_json
from restorekit.evaluate.protocol import Protocol
from restorekit.weights import annotate, list_weights, read_card, save_model

RECIPES = Path(__file__).parents[2] / "examples" / "recipes"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    """The script that measures and writes the figures."""
    spec = importlib.util.spec_from_file_location("figures", RECIPES / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def everything(figures: ModuleType) -> dict[str, Any]:
    """The results and the figures that they are compared with."""
    return dict(figures.load())


@pytest.fixture(autouse=True)
def bundled_weights_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore weights in folders of the user."""
    monkeypatch.delenv("RESTOREKIT_WEIGHTS", raising=False)


def test_the_page_agrees_with_the_results(figures: ModuleType, everything: dict[str, Any]) -> None:
    """After a change of either, run python examples/recipes/figures.py write."""
    text = figures.PAGE.read_text(encoding="utf-8")
    assert figures.with_generated(text, figures.sections(everything)) == text


def test_the_readme_agrees_with_the_results(
    figures: ModuleType, everything: dict[str, Any]
) -> None:
    """Its table has results of the bundled weights, each next to another method."""
    text = figures.README.read_text(encoding="utf-8")
    assert figures.with_generated(text, figures.overview(everything)) == text
    for line in figures.overview(everything).splitlines()[2:-1]:
        _, noisy, ours, *others = line.strip("| ").split("|")
        assert float(noisy) < float(ours.strip(" *"))
        assert any(map(str.strip, others))


def test_the_cards_agree_with_the_results(figures: ModuleType, everything: dict[str, Any]) -> None:
    """They have exactly the measured figures, and all weights are measured."""
    assert len(list_weights()) == 4
    for name in list_weights():
        card, expected = read_card(name), figures.card_fields(everything, name)
        assert expected["psnr"]
        assert {key: card[key] for key in expected} == expected


def test_the_results_are_of_the_weights_that_are_shipped(everything: dict[str, Any]) -> None:
    """Compared by the digest of the tensors."""
    for found in everything["measured"]:
        for row in found["rows"]:
            if row["model"] in list_weights():
                assert row["weights"] == read_card(row["model"])["checksum"]


def test_every_result_has_the_command_that_measures_it(everything: dict[str, Any]) -> None:
    """It has the protocol, the models, the noises and the pictures of the rows."""
    for found in everything["measured"]:
        words = shlex.split(found["command"])
        assert words[:2] == ["restorekit", "benchmark"]
        models = words[2 : words.index("--data")]
        noises = [words[i + 1] for i, word in enumerate(words) if word == "--noise"]
        labels = [noise.label for noise in read_noises(noises)] or ["real"]
        places = {(row["noise"], row["model"]) for row in found["rows"]}
        assert places == {(label, model) for label in labels for model in models}
        assert words[words.index("--data") + 1] == found["data"]["folder"]
        options = Protocol(**found["protocol"]).options
        assert set(options) == set(words) & {"--clip", "--quantize", "--gray", *options}
        assert found["environment"]["processor"]
        assert all(row["precision"] for row in found["rows"])


def test_each_figure_for_comparison_has_a_place_and_a_source(everything: dict[str, Any]) -> None:
    """It belongs to a measured command and its noises, and states its source."""
    noises = {
        found["command"]: {row["noise"] for row in found["rows"]}
        for found in everything["measured"]
    }
    for compared in everything["compared"]:
        assert compared["psnr"].keys() <= noises[compared["command"]]
        assert compared["source"]


def test_a_figure_states_all_choices_that_are_not_defaults(
    figures: ModuleType, tmp_path: Path
) -> None:
    """So that two figures for one noise are not confused."""
    Image.fromarray(data.astronaut()[40:88, 200:264]).save(tmp_path / "a.png")
    choices = {"gray": True, "crop": 32, "border": 4, "limit": 1, "sigma": "estimated"}
    measured = []
    for number, protocol in enumerate((Protocol(), Protocol(**choices))):
        found = benchmark("median", tmp_path, "gaussian:25", protocol)
        write_json(found, tmp_path / f"{number}.json")
        measured.append(figures.condensed(tmp_path / f"{number}.json"))
        assert measured[-1]["rows"][0]["psnr"] == pytest.approx(found.rows[0].psnr, abs=1e-4)
    labels = figures.card_fields({"measured": measured}, "median")["psnr"][tmp_path.name]
    assert list(labels) == [
        "gaussian:25",
        "gaussian:25, gray, centre 32 px, border of 4 px left out, at most 1 pictures, "
        "level estimated",
    ]


def test_commands_are_run_again(
    figures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the requested ones, on the available pictures; other results are kept."""
    (tmp_path / "one").mkdir()
    Image.fromarray(data.astronaut()[40:88, 200:264]).save(tmp_path / "one" / "a.png")
    commands = [f"restorekit benchmark median --data {name} --noise gaussian:25" for name in "xy"]
    commands[0] = commands[0].replace("--data x", "--data one")
    before = [{"command": command, "rows": []} for command in commands]
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.json")
    figures.RESULTS.write_text(json.dumps({"measured": before, "compared": []}))
    figures.measure(tmp_path, "--data one")
    one, other = figures.load()["measured"]
    assert one["command"] == commands[0]
    assert one["rows"][0]["psnr"] == pytest.approx(
        benchmark("median", tmp_path / "one", "gaussian:25").rows[0].psnr, abs=1e-4
    )
    assert other == before[1]


class TestCards:
    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        """A small weights file."""
        path = tmp_path / "small.safetensors"
        save_model(create_model("dncnn", depth=2, width=4), path)
        return path

    def test_its_tensors_stay_byte_for_byte(self, figures: ModuleType, weights: Path) -> None:
        """Only the header changes."""
        before = figures.tensor_bytes(weights)
        assert len(before) == 4 * read_card(weights)["parameters"]
        figures.write_card(weights, {"psnr": {"Set12": {"gaussian:25": 30.0}}})
        assert figures.tensor_bytes(weights) == before
        assert read_card(weights)["psnr"] == {"Set12": {"gaussian:25": 30.0}}

    def test_a_card_that_agrees_is_not_written_again(
        self, figures: ModuleType, weights: Path
    ) -> None:
        """The file is not modified."""
        fields = {"psnr": {"Set12": {"gaussian:25": 30.0}}}
        figures.write_card(weights, fields)
        before = weights.stat()
        figures.write_card(weights, fields)
        assert (weights.stat().st_ino, weights.stat().st_mtime_ns) == (
            before.st_ino,
            before.st_mtime_ns,
        )

    def test_tensors_that_would_change_are_refused(
        self, figures: ModuleType, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file is not modified."""
        before = weights.read_bytes()

        def halve(path_in: Path, path_out: Path, fields: dict[str, Any]) -> None:
            annotate(path_in, path_out, fields, half="float16")

        monkeypatch.setattr(figures, "annotate", halve)
        with pytest.raises(RuntimeError, match="its tensors would not stay the same"):
            figures.write_card(weights, {"psnr": {}})
        assert weights.read_bytes() == before
