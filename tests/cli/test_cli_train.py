"""train: from a configuration file to weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import load_model
from restorekit.train import trainer


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of a very short run on four small pictures."""
    (tmp_path / "clean").mkdir()
    random = np.random.default_rng(0)
    for number in range(4):
        levels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "clean" / f"{number}.png")
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(
            {
                "model": {"name": "dncnn", "depth": 2, "width": 4},
                "dataset": {"name": "folder", "path": str(tmp_path / "clean"), "patch_size": 12},
                "noise": {"name": "gaussian", "std": 0.1},
                "device": "cpu",
                "save_weight_path": str(tmp_path / "run"),
                "train": {"steps": 2, "batch_size": 2, "validation_split": 0.25},
            }
        )
    )
    return path


def test_a_run_leaves_weights_where_it_says(run: Any, config: Path, tmp_path: Path) -> None:
    """The last line has the file and its PSNR, and the file can be loaded."""
    outcome = run("train", config)
    assert outcome.code == 0
    line = outcome.out.splitlines()[-1]
    weights = tmp_path / "run" / "best.safetensors"
    assert line.startswith(f"weights: {weights} (step ")
    assert re.search(r", PSNR \d+\.\d\d dB, noisy \d+\.\d\d; no better than the noisy", line)
    assert load_model(weights)(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)


def test_settings_override_and_resume_continues(run: Any, config: Path, tmp_path: Path) -> None:
    """-s sets a key of the file; --resume continues the run instead of starting again."""
    assert run("train", config, "-s", "train.steps=1", "-s", "train.validation_split=0").code == 0
    outcome = run("train", config, "--resume", "--set", "train.validation_split=0")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == (
        f"weights: {tmp_path / 'run' / 'last.safetensors'} (step 2)"
    )
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == [1, 2]


def test_every_problem_of_the_configuration_is_a_line(run: Any, config: Path) -> None:
    """All faults are reported at once, each with its place and a suggestion."""
    outcome = run("train", config, "-s", "train.stepps=3", "-s", "model.name=dncn", "-s", "x=1")
    assert (outcome.code, outcome.out) == (2, "")
    lines = outcome.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"error: {config}: ") for line in lines)
    assert any("train.stepps: unknown key. Did you mean 'steps'?" in line for line in lines)
    assert any("Did you mean 'dncnn'?" in line for line in lines)


def test_an_old_spelling_is_one_warning_line(run: Any, config: Path) -> None:
    """It is shown although Python hides deprecation warnings, and the run continues."""
    old = json.loads(config.read_text())
    old["datset"] = old.pop("dataset")
    config.write_text(json.dumps(old))
    outcome = run("train", config, "-s", "train.steps=1")
    assert outcome.code == 0
    warned = [line for line in outcome.err.splitlines() if line.startswith("warning: ")]
    assert warned == [f"warning: {config}: 'datset' is now 'dataset'"]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"a": 1}'])
def test_a_file_that_is_not_a_configuration(run: Any, config: Path, text: str | None) -> None:
    """The message names a missing, broken or empty file."""
    config.unlink() if text is None else config.write_text(text)
    outcome = run("train", config)
    assert outcome.code == 2
    for line in outcome.err.splitlines():
        assert line.startswith(f"error: {config}")


def test_the_exit_code_is_that_of_the_run(
    run: Any, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code tells that a run was stopped."""
    stopped = trainer.TrainOutcome(tmp_path, step=7, best={}, exit_code=143)
    monkeypatch.setattr(trainer.Trainer, "__init__", lambda self, config: None)
    monkeypatch.setattr(trainer.Trainer, "fit", lambda self, resume, progress: stopped)
    outcome = run("train", config)
    assert outcome.code == 143
    assert outcome.out == f"weights: {tmp_path / 'last.safetensors'} (step 7)\n"


def test_one_process_of_several_says_where_the_weights_are(
    run: Any, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under torchrun only the first process prints."""
    done = trainer.TrainOutcome(tmp_path, step=7, best={})
    monkeypatch.setattr(trainer.Trainer, "__init__", lambda self, config: None)
    monkeypatch.setattr(trainer.Trainer, "fit", lambda self, resume, progress: done)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, lines in (("0", 1), ("1", 0)):
        monkeypatch.setenv("RANK", rank)
        assert len(run("train", config).out.splitlines()) == lines


def test_two_shots_of_each_scene_are_learned_from(run: Any, config: Path, tmp_path: Path) -> None:
    """Objective noise2noise on folders shaped as those of SIDD, whose clean files are not used."""
    random = np.random.default_rng(0)
    for number in range(1, 5):
        scene = tmp_path / "sidd" / f"{number:04}_001_S6"
        scene.mkdir(parents=True)
        clean = np.full((24, 24, 3), 40 * number, np.uint8)
        for shot in (10, 11):
            noisy = clean + random.normal(0, 10, clean.shape)
            file = scene / f"{number:04}_NOISY_SRGB_{shot:03}.PNG"
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file)
    given = json.loads(config.read_text())
    given["dataset"] = {
        "name": "pairs",
        "path": str(tmp_path / "sidd"),
        "noisy": "{scene}/{number}_NOISY_SRGB_*.PNG",
        "patch_size": 16,
    }
    given.pop("noise")
    given |= {"objective": "noise2noise", "loss": "mse"}
    config.write_text(json.dumps(given))
    assert run("train", str(config)).code == 0
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    row = [row for row in rows if row["phase"] == "validation"][-1]
    # A loss against another shot is not below the variance of that shot's noise.
    assert row["loss"] > 0.8 * (10 / 255) ** 2
    assert "psnr" not in row
