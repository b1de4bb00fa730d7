"""The survey trains networks for the same time, can be continued, and survives one that fails."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import models

SCRIPT = Path(__file__).parents[2] / "examples" / "survey" / "survey.py"
RECIPE = json.loads(SCRIPT.with_name("survey.json").read_text("utf-8"))


class Broken(torch.nn.Conv2d):
    """A network that cannot be trained."""

    def __init__(self) -> None:
        super().__init__(3, 3, 1)

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("it never works")


@pytest.fixture
def survey() -> Iterator[ModuleType]:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("survey", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    threads = torch.get_num_threads()
    spec.loader.exec_module(module)
    yield module
    torch.set_num_threads(threads)


@pytest.fixture
def begin(
    survey: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Runs the script on small pictures; returns the rows by network."""
    random = np.random.default_rng(0)
    for folder in ("photographs", "tests/A", "tests/B"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(6 if folder == "photographs" else 1):
            pixels = random.integers(0, 255, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    recipe = json.loads(json.dumps(RECIPE))
    recipe["test"] |= {"sets": ["A", "B"], "crop": 32}
    recipe["references"] = []
    recipe["train"]["dataset"]["patch_size"] = 16
    recipe["own_patches"] = {"autoencoder": {"patch_size": 32, "batch_size": 1}}
    recipe["own_arguments"] = {"autoencoder": {"depth": 1}}
    recipe["own_rates"] = {"autoencoder": 1e-5}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), "utf-8")
    monkeypatch.setattr(survey, "RECIPE", tmp_path / "recipe.json")

    def begin(*names: str) -> dict[str, Any]:
        words = [tmp_path / "photographs", tmp_path / "tests", *names, "--minutes", "0.003"]
        words += ["--state", tmp_path / "state"]
        monkeypatch.setattr(sys, "argv", ["survey.py", *map(str, words)])
        survey.main()
        content = json.loads((tmp_path / "state" / "survey.json").read_text("utf-8"))
        assert content["recipe"]["train"]["dataset"]["path"] == "PHOTOGRAPHS"
        return {row["network"]: row for row in content["networks"]}

    return begin


def test_every_kind_of_network_has_a_row(begin: Callable[..., dict[str, Any]]) -> None:
    """One with weights is trained, one without is tested, one that fails has its reason."""
    models.names()
    models.add(Component("broken", Broken), Provider("acme", "1"))
    try:
        rows = begin("dncnn:tiny", "median", "broken")
    finally:
        models.remove("broken")
    assert rows["dncnn:tiny"]["kind"] == "trained"
    assert rows["dncnn:tiny"]["steps"] >= 1
    assert rows["dncnn:tiny"]["minutes"] >= 0
    assert rows["dncnn:tiny"]["held_out"]["psnr"] > 0
    assert rows["median"]["kind"] == "without weights"
    assert set(rows["median"]["tests"]) == {"A", "B"}
    assert "it never works" in rows["broken"]["error"]


def test_a_network_can_have_its_own_settings(
    begin: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The configuration of its run has them, that of another network has those of the recipe."""
    begin("autoencoder:tiny", "dncnn:tiny")
    found = {}
    for name in ("autoencoder", "dncnn"):
        run = tmp_path / "state" / f"{name}_tiny" / "run" / "config.json"
        found[name] = json.loads(run.read_text("utf-8"))
    assert found["autoencoder"]["model"]["depth"] == 1
    assert found["autoencoder"]["train"]["batch_size"] == 1
    assert found["autoencoder"]["train"]["learning_rate"] == 1e-5
    usual = RECIPE["train"]["train"]
    assert {key: found["dncnn"]["train"][key] for key in ("batch_size", "learning_rate")} == {
        key: usual[key] for key in ("batch_size", "learning_rate")
    }


def test_what_is_done_is_not_done_again(begin: Callable[..., dict[str, Any]]) -> None:
    """The script can be started again with more networks."""
    first = begin("median")
    second = begin("median", "median:tiny")
    assert second["median"] == first["median"]
    assert "preset" in second["median:tiny"]["error"]


def test_the_time_of_a_run_goes_on_after_a_restart(survey: ModuleType, tmp_path: Path) -> None:
    """What was counted before is kept in the file."""
    (tmp_path / "seconds.txt").write_text("100.0\n", "utf-8")
    timer = survey.ProcessorTime(tmp_path / "seconds.txt")
    timer.restorekit_train_start(None)
    timer.restorekit_step_end(1)
    again = survey.ProcessorTime(tmp_path / "seconds.txt")
    assert again.seconds == timer.seconds
    assert again.seconds > 100


def test_the_recipe_is_one_for_all() -> None:
    """It names no network."""
    assert set(RECIPE["train"]) & {"model", "objective"} == set()
