"""`sweep` and `restorekit sweep`: the grid, resuming, and sharing among processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import restorekit
from restorekit.cli.main import main
from restorekit.errors import ArgumentError, ConfigError
from restorekit.experiments.sweep_grid import grid_points, read_settings
from restorekit.train.folder_lock import lock_folder
from restorekit.train.trainer import Trainer

RATES = {"train.learning_rate": [1e-3, 1e-4]}


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """A run of two steps on two pictures."""
    random = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    return {
        "model": {"name": "dncnn", "depth": 2, "width": 4},
        "noise": {"name": "gaussian", "std": 0.1},
        "dataset": {"name": "folder", "path": str(tmp_path / "pictures"), "patch_size": 16},
        "device": "cpu",
        "train": {"steps": 2, "batch_size": 2, "validate_every": 1, "log_every": 1},
    }


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The steps that are trained, each with the name of its run."""
    done: list[tuple[str, int]] = []
    step = Trainer.step

    def seen(trainer: Trainer, number: int, images: Any) -> Any:
        done.append((trainer.folder.name, number))
        return step(trainer, number, images)

    monkeypatch.setattr(Trainer, "step", seen)
    return done


def test_every_combination_is_trained_once(
    config: dict[str, Any], tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    """A second call trains nothing, and one with a further value only that."""
    outcome = restorekit.sweep(config, RATES, tmp_path / "runs")
    names = ["learning_rate=0.001", "learning_rate=0.0001"]
    assert steps == [(name, step) for name in names for step in (1, 2)]
    assert outcome.exit_code == 0
    assert outcome.comparison is not None
    assert {group.name for group in outcome.comparison.groups} == set(names)
    assert outcome.comparison.settings == ("train.learning_rate",)
    steps.clear()
    restorekit.sweep(config, {"train.learning_rate": [1e-4, 1e-2]}, tmp_path / "runs")
    assert steps == [("learning_rate=0.01", 1), ("learning_rate=0.01", 2)]


def test_an_interrupted_run_is_resumed(
    config: dict[str, Any],
    tmp_path: Path,
    steps: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that fails does not stop the others; the next call goes on after its last step."""
    trained = Trainer.step

    def failing(trainer: Trainer, step: int, images: Any) -> Any:
        if step == 2 and trainer.settings.learning_rate == 1e-3:
            raise restorekit.DataError("the disk is gone")
        return trained(trainer, step, images)

    with monkeypatch.context() as once:
        once.setattr(Trainer, "step", failing)
        outcome = restorekit.sweep(config, RATES, tmp_path / "runs")
    assert outcome.exit_code == 2
    assert outcome.failed == {"learning_rate=0.001": "the disk is gone"}
    assert steps == [("learning_rate=0.001", 1)] + [("learning_rate=0.0001", n) for n in (1, 2)]
    steps.clear()
    assert restorekit.sweep(config, RATES, tmp_path / "runs").exit_code == 0
    assert steps == [("learning_rate=0.001", 2)]


def test_a_run_of_another_process_is_left_to_it(
    config: dict[str, Any], tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    """Its lock is held; the others are trained."""
    with lock_folder(tmp_path / "runs" / "learning_rate=0.001"):
        outcome = restorekit.sweep(config, RATES, tmp_path / "runs")
    assert outcome.busy == ("learning_rate=0.001",)
    assert {name for name, _ in steps} == {"learning_rate=0.0001"}
    restorekit.sweep(config, RATES, tmp_path / "runs")
    assert {name for name, _ in steps} == {"learning_rate=0.0001", "learning_rate=0.001"}


def test_longer_runs_are_continued(
    config: dict[str, Any], tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    """A setting of the grid may replace a value of the configuration."""
    rates = {"train.learning_rate": [1e-3]}
    restorekit.sweep(config, rates, tmp_path / "runs")
    config["train"]["steps"] = 3
    with pytest.raises(ConfigError, match=r"another configuration \(train.steps differ\)"):
        restorekit.sweep(config, rates, tmp_path / "runs")
    assert [step for _, step in steps] == [1, 2]


def test_a_mistake_is_found_before_the_first_run(
    config: dict[str, Any], tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    with pytest.raises(ConfigError, match=r"train\.learning_rate"):
        restorekit.sweep(config, {"train.learning_rate": [1e-3, -1]}, tmp_path / "runs")
    with pytest.raises(ConfigError, match="stepz"):
        restorekit.sweep(config, {"train.stepz": [1]}, tmp_path / "runs")
    assert steps == []
    assert not (tmp_path / "runs").exists()


def test_a_configuration_from_python_may_hold_paths(
    config: dict[str, Any], tmp_path: Path, steps: list[tuple[str, int]]
) -> None:
    """Also when the sweep is repeated. What JSON cannot hold is an error before the first run."""
    config["dataset"]["path"] = Path(config["dataset"]["path"])
    rates = {"train.learning_rate": [1e-3]}
    assert restorekit.sweep(config, rates, tmp_path / "runs").exit_code == 0
    assert restorekit.sweep(config, rates, tmp_path / "runs").exit_code == 0
    assert len(steps) == 2
    config["noise"]["std"] = np.float32(0.1)
    with pytest.raises(ConfigError, match=r"config: it cannot be stored as JSON: .* float32"):
        restorekit.sweep(config, rates, tmp_path / "others")
    assert not (tmp_path / "others").exists()


def test_the_settings_of_the_command_line() -> None:
    """Values are separated by commas outside of brackets, and read as JSON if possible."""
    assert read_settings(["train.betas=[0.9,0.99],[0.9,0.999]", "model=unet, swift"]) == {
        "train.betas": [[0.9, 0.99], [0.9, 0.999]],
        "model": ["unet", "swift"],
    }
    for wrong in (["train.steps"], ["=3"], ["a=1", "a=2"]):
        with pytest.raises(ArgumentError, match="setting '"):
            read_settings(wrong)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"train.seed": [0, 1], "model": ["unet"]}, ["seed=0,model=unet", "seed=1,model=unet"]),
        ({"model.width": [8], "loss.width": [1]}, ["model.width=8,loss.width=1"]),
        ({"train.steps": [5, 5]}, ["steps=5"]),
    ],
)
def test_names_of_runs(settings: dict[str, list[object]], names: list[str]) -> None:
    """Short where that is clear; a value that is given twice is one run."""
    assert [point.name for point in grid_points({}, settings)] == names


def test_names_are_safe_and_distinct() -> None:
    """Of values that cannot be in the name of a folder, and of long ones."""
    values: list[object] = ["../a", "..\\a", {"name": "one_of"}, "x" * 300, "x" * 299]
    names = [point.name for point in grid_points({}, {"noise": values})]
    assert len(set(names)) == len(values)
    assert all("/" not in name and "\\" not in name and len(name) < 130 for name in names)


def test_the_command_line(
    config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs, then the table; seeds are averaged."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**config, "save_weight_path": str(tmp_path / "runs")}))
    words = ["sweep", str(path), "-s", "train.learning_rate=1e-3,1e-4", "-s", "train.seed=0,1"]
    assert main(words) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "run 1 of 4, learning_rate=0.001,seed=0"
    _, table, *more = "\n".join(printed).split("\n\n")
    assert [line.split("  ")[0] for line in table.splitlines()] == [
        "run",
        "learning_rate=0.001,seed=0 and 1 more",
        "learning_rate=0.0001,seed=0 and 1 more",
    ]
    assert "±" in "".join((table, *more))
    assert main(["sweep", str(path), "-s", "train.learning_rate"]) == 2
