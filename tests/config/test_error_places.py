"""An error that arises when a run is made names the file and the key, as one of the check does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restorekit import ArgumentError, CheckpointError, RestoreKitError, TrainConfig, Trainer

BASE: dict[str, Any] = {
    "model": {"name": "dncnn", "depth": 2, "width": 4},
    "dataset": {"name": "samples", "patch_size": 16},
    "device": "cpu",
}
LOUD = {"name": "gaussian", "std": 7}
CHAINED = {"name": "one_of", "noises": ["gaussian", {"name": "chain", "noises": [LOUD]}]}
NO_FOLDER = {"name": "folder", "path": "/no/such/folder"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": LOUD}, "noise: std must be"),
        ({"noise": CHAINED}, "noise.noises.1.noises.0: std must be"),
        ({"noise": {"name": "luminance", "noise": LOUD}}, "noise.noise: std must be"),
        ({"validation_noise": ["gaussian:15", LOUD]}, "validation_noise.1: std must be"),
        ({"model": {"name": "dncnn", "depth": -3}}, "model: "),
        ({"loss": {"l1": 1, "charbonnier": {"epsilon": -1}}}, "loss.charbonnier: "),
        ({"dataset": NO_FOLDER}, "dataset: folder '/no/such/folder' does not exist"),
        ({"validation_dataset": {"a": NO_FOLDER}}, "validation_dataset.a: folder"),
        ({"validation_dataset": NO_FOLDER}, "validation_dataset: folder"),
        (
            {"train": {"optimizer": {"name": "muon", "momentum": 3}}},
            "train.optimizer: optimizer 'muon': momentum",
        ),
        (
            {"train": {"schedule": {"name": "step", "drops": 0}}},
            "train.schedule: schedule 'step': drops",
        ),
        ({"train": {"validation_metric": "psnrr"}}, "train.validation_metric: 'psnrr'"),
        ({"load_weight_path": "swift-foto"}, "load_weight_path: swift-foto: no such weights file"),
        ({"load_weight_path": __file__}, "load_weight_path: "),
        ({"model": "median"}, "model: model Median has no weights that can be trained"),
        ({"loss": {"l1": 0}}, "loss: a run needs at least one loss term"),
    ],
)
def test_a_value_that_only_a_constructor_refuses(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """At any depth, from a file and from Python."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**BASE, "save_weight_path": str(tmp_path / "run"), **changes}))
    with pytest.raises(RestoreKitError) as caught:
        Trainer(file)
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_without_a_file_the_key_alone_is_named() -> None:
    """A configuration that Python code made has no name."""
    config = TrainConfig(**BASE, noise=CHAINED)
    with pytest.raises(ArgumentError, match=r"^noise\.noises\.1\.noises\.0: std must be"):
        Trainer(config)


def test_a_part_that_replaces_that_of_the_file_is_not_blamed_on_the_file() -> None:
    """The message is that of the component or of the file alone."""
    config = TrainConfig.from_dict(BASE, source="run.json")
    with pytest.raises(ArgumentError, match=r"^noise 'gaussian': std must be"):
        Trainer(config, noise=LOUD)
    with pytest.raises(CheckpointError, match=r"^swift-foto: no such weights file"):
        Trainer(config, load_weight_path="swift-foto")


def test_the_file_does_not_tell_configurations_apart() -> None:
    """Equal keys make equal configurations."""
    assert TrainConfig.from_dict(BASE, source="a.json") == TrainConfig.from_dict(BASE)
