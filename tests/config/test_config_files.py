"""Hostile configuration files: each is refused with a short message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from restorekit import ConfigError, TrainConfig, create_optimizer
from restorekit.optim.optimizers import _UNFIT, optimizer_name

GOOD: dict[str, Any] = {"model": "unet", "dataset": "samples"}
Refused = Callable[..., str]


def chained(depth: int) -> Any:
    """Nested noises."""
    noise: Any = "gaussian"
    for _ in range(depth):
        noise = {"name": "chain", "noises": [noise]}
    return noise


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """The only fault of a file with this content."""

    def refused(content: bytes | str | dict[str, Any], *overrides: str) -> str:
        path = tmp_path / "config.json"
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ConfigError) as caught:
            TrainConfig.from_file(path, overrides)
        (problem,) = caught.value.problems
        assert len(problem) <= 1000
        assert "\n" not in problem
        return problem.removeprefix(str(path)).removeprefix(": ")

    return refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"model": ' + "[" * 1100 + "]" * 1100 + "}", "nested more than 50 deep"),
        ("[" * 10**6, "nested more than 50 deep"),
        ('{"model": "unet", "train": {"steps": ' + "9" * 5000 + "}}", "a number of 5000 digits"),
        ('{"model": "unet", "model": "vae"}', "key 'model' is duplicated"),
        ('{"model": NaN}', "NaN is not a JSON number"),
        ('{"train": {"learning_rate": 1e999}}', "too large"),
        ('{"model": "unet"}'.encode("utf-16"), "not a text file in UTF-8, but in UTF-16"),
        ('{"model": "unet"}'.encode("utf-32"), "not a text file in UTF-8, but in UTF-16"),
        (b" \n", "not valid JSON, the file is empty"),
        (b" " * 10_000_001, "larger than 10 MB"),
        ({**GOOD, "noise": chained(300)}, "noise.noises.0: nested more than 50 deep"),
        ({**GOOD, "dataset": {"name": "folder", "path": "a\0b"}}, "dataset.path: 'a\\x00b' holds"),
        ({**GOOD, "save_weight_path": "\ud800"}, "save_weight_path: '\\ud800' holds half"),
        ({**GOOD, "noise": [0] * 10**6}, "it holds more than 20,000 values"),
        ({**GOOD, "x" * 200_000: 1}, "xxxxx"),
        ({**GOOD, "device": "x" * 200_000}, "device: unknown device 'xxx"),
        ({**GOOD, "train": {"steps": "x" * 200_000}}, "train.steps: input should be"),
        ({**GOOD, "train": {"num_workers": 257}}, "train.num_workers: input should be less"),
        ({**GOOD, "loss": {"x" * 200_000: 1}}, "loss.xxx"),
        ({**GOOD, "model": {"name": "unet", "w" * 200_000: 1}}, "model: unknown argument"),
    ],
)
def test_hostile_files(refused: Refused, content: Any, message: str) -> None:
    """Each gives a ConfigError of one line."""
    assert message in refused(content)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")
    assert TrainConfig.from_file(path).model.name == "unet"


def test_an_infinite_device(tmp_path: Path) -> None:
    """Reading stops at the largest size of a configuration."""
    with pytest.raises(ConfigError, match="larger than 10 MB"):
        TrainConfig.from_file("/dev/zero")
    with pytest.raises(ConfigError, match="is a directory"):
        TrainConfig.from_file(tmp_path)
    for name in ("a\0b", "\ud800"):
        with pytest.raises(ConfigError, match="no name of a file"):
            TrainConfig.from_file(name)


@pytest.mark.parametrize(
    "override",
    [
        "train.steps",
        "=1",
        "train..steps=1",
        ".=1",
        "a." * 10_000 + "b=1",
        "train.steps=" + "9" * 5000,
        "train.learning_rate=NaN",
        "loss=" + "[" * 100_000,
        "device=a\0b",
    ],
)
def test_overrides_that_cannot_be_used(refused: Refused, override: str) -> None:
    """A malformed override and an unusable value."""
    assert refused(GOOD, override)


def test_noises_are_checked_at_every_depth(refused: Refused) -> None:
    """The message has the path of the wrong one, also within luminance."""
    wrong = {"name": "luminance", "noise": {"name": "gaussian", "stdd": 1}}
    noise = {"name": "one_of", "noises": ["gaussian", {"name": "chain", "noises": [wrong]}]}
    assert refused({**GOOD, "noise": noise}).startswith(
        "noise.noises.1.noises.0.noise: unknown argument 'stdd'"
    )


def test_a_configuration_that_holds_itself() -> None:
    """This is possible in Python."""
    data: dict[str, Any] = {**GOOD}
    data["noise"] = {"name": "chain", "noises": [data]}
    with pytest.raises(ConfigError, match="nested more than 50 deep"):
        TrainConfig.from_dict(data)


VALUES: list[Any] = [None, True, 3, -0.5, "text", [], ["l1", 3], {}, {"name": 3}, {"a": {"b": []}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    "key", [*TrainConfig.model_fields, "train.optimizer", "train.schedule", "train.betas"]
)
def test_the_wrong_type_at_every_place(key: str, value: Any) -> None:
    """It gives a ConfigError, whose lines have the path."""
    section, _, inner = key.rpartition(".")
    changed = {section: {inner: value}} if section else {key: value}
    problems: tuple[str, ...] = ()
    try:
        TrainConfig.from_dict({**GOOD, **changed})
    except ConfigError as error:
        problems = error.problems
    assert all(key.partition(".")[0] in problem for problem in problems)


def test_optimizers_that_take_dense_weights() -> None:
    """The refused ones cannot make a step with dense weights, and all others can."""
    for name, kind in vars(torch.optim).items():
        if not isinstance(kind, type) or kind is torch.optim.Optimizer:
            continue
        if not issubclass(kind, torch.optim.Optimizer):
            continue
        weight = torch.nn.Parameter(torch.zeros(2, 3))
        weight.grad = torch.ones(2, 3)
        if name.lower() not in _UNFIT:
            create_optimizer(optimizer_name(name), [weight]).step()
            continue
        with pytest.raises((TypeError, RuntimeError)):
            kind([weight]).step()
        with pytest.raises(ConfigError, match=f"train.optimizer: optimizer '{name}'"):
            TrainConfig.from_dict({**GOOD, "train": {"optimizer": name}})
