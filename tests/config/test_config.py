"""The configuration: valid values, and messages for invalid ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restorekit import ConfigError, TrainConfig, list_optimizers

GOOD: dict[str, Any] = {"model": "unet", "dataset": "samples"}


def problems(data: dict[str, Any], overrides: tuple[str, ...] = ()) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_dict(data, overrides=overrides)
    return caught.value.problems


def test_the_smallest_configuration() -> None:
    """A model and a dataset are enough; the default noise is the classic mixture, the loss l1."""
    config = TrainConfig.from_dict(GOOD)
    assert config.noise.name == "classic_mixture"
    assert [term.name for term in config.loss] == ["l1"]
    assert config.train.epochs == 10


@pytest.mark.parametrize(
    "loss",
    [
        ["l1", {"name": "ssim", "weight": 0.2, "window_size": 7}],
        {"l1": 1, "ssim": {"weight": 0.2, "window_size": 7}},
    ],
)
def test_losses_as_a_list_or_a_map(loss: Any) -> None:
    """Both forms mean the same."""
    terms = TrainConfig.from_dict({**GOOD, "loss": loss}).loss
    assert [(t.name, t.weight, t.arguments) for t in terms] == [
        ("l1", 1.0, {}),
        ("ssim", 0.2, {"window_size": 7}),
    ]


def test_every_fault_is_found_at_once() -> None:
    """There is a line for each, with its path and a suggestion."""
    found = problems(
        {
            "model": {"name": "unet", "widht": 8, "depth": "deep"},
            "datset_": "samples",
            "dataset": "sampels",
            "noise": "gausian",
            "device": "gpu",
            "loss": {"l1": 1, "sism": 0.1},
            "batch_sizes": 3,
            "train": {"batch_size": 0, "learning_rte": 1e-3, "optimizer": "adamm"},
        }
    )
    expected = [
        "config: train.batch_size: input should be greater than or equal to 1, not 0",
        "config: train.learning_rte: unknown key. Did you mean 'learning_rate'?",
        "config: datset_: unknown key. Did you mean 'dataset'?",
        "config: batch_sizes: unknown key.",
        "config: model: unknown argument 'widht'. Did you mean 'width'?",
        "config: model: argument 'depth': input should be a valid integer",
        "config: dataset: unknown dataset 'sampels'. Did you mean 'samples'?",
        "config: device: unknown device 'gpu'.",
        "config: train.optimizer: unknown optimizer 'adamm'. Did you mean 'adam'? "
        f"Available: {', '.join(list_optimizers())}",
        "config: noise: unknown noise 'gausian'. Did you mean 'gaussian'?",
        "config: loss.sism: unknown loss 'sism'. Did you mean 'ssim'?",
    ]
    for line in expected:
        assert any(p.startswith(line) for p in found), (line, found)
    assert len(found) == len(expected)
    assert not any("\n" in line for line in found)


def test_the_message_names_the_section_of_a_misplaced_key() -> None:
    """The message for a key of another section names that section."""
    assert problems({**GOOD, "schedule": "cosine"}) == (
        "config: schedule: unknown key. It belongs under train.",
    )
    assert problems({**GOOD, "train": {"noise": "gaussian"}}) == (
        "config: train.noise: unknown key. It belongs at the top.",
    )


def test_missing_keys_are_named() -> None:
    """Keys that only the user can know have no default."""
    assert problems({}) == ("config: model: missing", "config: dataset: missing")


def test_an_override_takes_the_place_of_a_loss_without_names() -> None:
    """A loss whose name is not text is replaced; it once caused a TypeError."""
    data = {**GOOD, "loss": [{"name": {"x": 1}}]}
    terms = TrainConfig.from_dict(data, overrides=("loss.l1=2",)).loss
    assert [(term.name, term.weight) for term in terms] == [("l1", 2.0)]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("train.batch_size=8", ("train", "batch_size"), 8),
        ("model.width=12", ("model",), {"name": "unet", "width": 12}),
        ("noise=gaussian", ("noise",), "gaussian"),
        ("noise.name=uniform", ("noise",), "uniform"),
        ('dataset={"name": "folder", "path": "x"}', ("dataset",), {"name": "folder", "path": "x"}),
        ("train.optimizer.name=sgd", ("train", "optimizer"), "sgd"),
        ("device=cpu", ("device",), "cpu"),
    ],
)
def test_overrides(override: str, path: tuple[str, ...], value: Any) -> None:
    """`-s key.path=value` sets every key, and the arguments of a component given by name."""
    found: Any = TrainConfig.from_dict(GOOD, overrides=[override]).to_dict()
    for key in path:
        found = found[key]
    assert found == value


def test_overriding_loss_weights() -> None:
    """A weight is changed or a term is added, in both forms of the losses."""
    for loss in (["l1", "ssim"], {"l1": 1, "ssim": 1}):
        config = TrainConfig.from_dict(
            {**GOOD, "loss": loss}, overrides=["loss.ssim=0.25", "loss.mse.weight=2"]
        )
        assert {t.name: t.weight for t in config.loss} == {"l1": 1, "ssim": 0.25, "mse": 2}


def test_steps_and_epochs_replace_each_other() -> None:
    """One override shortens a run, whichever of the two its file has."""
    config = TrainConfig.from_dict({**GOOD, "train": {"epochs": 3}}, overrides=["train.steps=2"])
    assert (config.train.steps, config.train.epochs) == (2, None)
    config = TrainConfig.from_dict({**GOOD, "train": {"steps": 3}}, overrides=["train.epochs=2"])
    assert (config.train.steps, config.train.epochs) == (None, 2)


def test_components_within_components_are_checked() -> None:
    """The message has the path of the wrong one."""
    noises = ["gausian", {"name": "chain", "noises": [{"name": "uniform", "amplitud": 1}]}]
    (first,) = problems({**GOOD, "noise": {"name": "one_of", "noises": noises[:1]}})
    assert first.startswith("config: noise.noises.0: unknown noise 'gausian'")


def test_paths_may_be_path_objects(tmp_path: Path) -> None:
    """In Python a path may be given instead of its text."""
    config = TrainConfig(model="unet", dataset="samples", save_weight_path=tmp_path)
    assert config.save_weight_path == str(tmp_path)
    with pytest.raises(ConfigError, match="modle: unknown key"):
        TrainConfig(modle="unet", dataset="samples")


@pytest.mark.parametrize("loss", [3, [{"weight": 1}], None])
def test_overriding_an_invalid_loss(loss: Any) -> None:
    """An override of a value that is not a loss gives a message, not a traceback."""
    with pytest.raises(ConfigError, match="loss"):
        TrainConfig.from_dict({**GOOD, "loss": loss}, overrides=["loss.l1.window_size=2"])


def test_a_malformed_override() -> None:
    """The message shows the expected form."""
    assert problems(GOOD, ("train.steps",)) == (
        "override 'train.steps': not of the form key.path=value",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"model": "unet",\n "dataset": }', ":2:13: not valid JSON"),
        (b"[1]", "a configuration is a JSON object"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"", "not valid JSON"),
    ],
)
def test_files_that_are_not_a_configuration(tmp_path: Path, content: bytes, message: str) -> None:
    """The message names the file and, if possible, the position."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """The message has the path and the reason."""
    with pytest.raises(ConfigError, match=r"nowhere\.json: no such file or directory"):
        TrainConfig.from_file(tmp_path / "nowhere.json")


@given(
    steps=st.integers(1, 10**6),
    rate=st.floats(1e-6, 1.0),
    ema=st.none() | st.floats(0.5, 0.999),
    weights=st.dictionaries(st.sampled_from(["l1", "mse", "ssim"]), st.floats(0, 5), min_size=1),
)
def test_the_resolved_configuration_reads_back(
    steps: int, rate: float, ema: float | None, weights: dict[str, float]
) -> None:
    """The configuration that a run writes equals the one that it used."""
    train = {"steps": steps, "learning_rate": rate, "ema": ema}
    config = TrainConfig.from_dict({**GOOD, "loss": weights, "train": train})
    again = TrainConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
