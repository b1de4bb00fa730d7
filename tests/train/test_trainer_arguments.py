"""Arguments of `Trainer` that replace parts of a configuration, and former names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restorekit import ConfigError, TrainConfig, Trainer

CONFIG = {
    "model": {"name": "dncnn", "depth": 3, "width": 8},
    "dataset": "samples",
    "loss": {"mse": 2.0},
    "device": "cpu",
    "train": {"epochs": 3, "batch_size": 4, "learning_rate": 0.01},
}


@pytest.fixture(params=["mapping", "file", "TrainConfig"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A configuration in each form that `Trainer` accepts."""
    data = {**CONFIG, "save_weight_path": str(tmp_path / "run")}
    (tmp_path / "config.json").write_text(json.dumps(data))
    forms = {
        "mapping": data,
        "file": tmp_path / "config.json",
        "TrainConfig": TrainConfig.from_dict(data),
    }
    return forms[request.param]


def test_settings_replace_those_of_a_configuration(config: Any) -> None:
    """Given keys are replaced, others stay; steps replace epochs and the reverse."""
    settings = Trainer(config, steps=5, batch_size=2).settings
    assert (settings.steps, settings.epochs, settings.batch_size) == (5, None, 2)
    assert settings.learning_rate == 0.01
    assert Trainer(config).settings.epochs == 3
    assert Trainer(config, epochs=1).settings.epochs == 1


def test_parts_replace_those_of_a_configuration(config: Any, tmp_path: Path) -> None:
    """Components, the device and the folder; the configuration of the run has them."""
    folder = tmp_path / "other"
    plan = Trainer(config, noise="camera", loss="l1", save_weight_path=folder).plan
    written = plan.resolved()
    assert (written["noise"]["name"], [t["name"] for t in written["loss"]]) == ("camera", ["l1"])
    assert written["save_weight_path"] == str(folder)
    assert (written["model"]["width"], written["dataset"]["name"]) == (8, "samples")
    assert TrainConfig.from_dict(written).to_dict() == written


def test_a_replaced_setting_is_checked(config: Any) -> None:
    """As in a configuration."""
    with pytest.raises(ConfigError, match=r"train\.batch_size: input should be greater"):
        Trainer(config, batch_size=0)


def test_losses_is_the_former_name_of_loss(config: Any) -> None:
    """It works, and the warning points at the call."""
    with pytest.warns(DeprecationWarning, match=r"Trainer\(loss=...\)") as caught:
        trainer = Trainer(config, losses={"l1": 0.5})
    assert [(term.name, term.weight) for term in trainer.plan.terms] == [("l1", 0.5)]
    assert caught[0].filename == __file__
