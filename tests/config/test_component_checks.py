"""Components are checked once, wherever a value names one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from restorekit import Trainer
from restorekit.components import signatures
from restorekit.components.kinds import (
    datasets,
    losses,
    metrics,
    models,
    noises,
    optimizers,
    schedules,
)
from restorekit.config.component_checks import Fault, check_component
from restorekit.config.train_config import TrainConfig
from restorekit.errors import ConfigError

WRONG = {"name": "gaussian", "stdd": 1}
TEXT = "unknown argument 'stdd'. Did you mean 'std'? It takes: std, clip"


class Sometimes(nn.Module):
    """A noise whose arguments contain noises under unusual names."""

    def __init__(
        self,
        first: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
        note: str = "",
        model: str = "",
    ) -> None:
        super().__init__()

    def forward(self, clean: Tensor) -> Tensor:
        """Does nothing."""
        return clean


@pytest.fixture(autouse=True)
def sometimes() -> Iterator[None]:
    """Registers the noise for a test."""
    noises.register("sometimes")(Sometimes)
    yield
    del noises._entries["sometimes"]


@pytest.mark.parametrize(
    ("name", "arguments", "place"),
    [
        ("luminance", {"noise": WRONG}, ".noise"),
        ("one_of", {"noises": ["gaussian", WRONG]}, ".noises.1"),
        ("sometimes", {"first": WRONG}, ".first"),
        ("sometimes", {"others": {"rest": ["x", [WRONG]]}}, ".others.rest.1.0"),
        ("luminance", {"noise": {"name": "sometimes", "first": WRONG}}, ".noise.first"),
    ],
)
def test_a_mistake_is_found_wherever_a_component_is_named(
    name: str, arguments: dict[str, Any], place: str
) -> None:
    """In an argument with the name of the kind, and in a mapping with a name in any other."""
    assert check_component(noises, name, arguments) == [Fault(place, TEXT)]


def test_values_that_only_look_like_components_are_accepted() -> None:
    """A text, a mapping with an unknown name, and a text for another kind."""
    arguments = {"first": {"name": "Ada", "stdd": 1}, "note": "gausian", "model": "alex"}
    assert not isinstance(check_component(noises, "sometimes", arguments), list)


def test_all_faults_of_a_component_are_found() -> None:
    """Those of its arguments, and those of components within it."""
    found = check_component(noises, "one_of", {"noises": [WRONG, "gausian"], "weihgts": [1]})
    assert isinstance(found, list)
    assert [fault.place for fault in found] == ["", ".noises.0", ".noises.1"]


def test_a_component_that_holds_itself() -> None:
    """It is refused instead of followed forever."""
    noise: dict[str, Any] = {"name": "luminance"}
    noise["noise"] = noise
    assert isinstance(check_component(noises, "luminance", {"noise": noise}), list)


def test_python_and_file_give_the_same_message(tmp_path: Path) -> None:
    """Also if a configuration is made by its constructor."""
    data = {"model": "unet", "dataset": "samples", "loss": {"l1": {"weight": 1, "x": 2}}}
    with pytest.raises(ConfigError, match=r"^loss\.l1: unknown argument 'x'"):
        TrainConfig(**data)
    with pytest.raises(ConfigError, match=r"^run: loss\.l1: unknown argument 'x'"):
        TrainConfig.from_dict(data, source="run")


def test_arguments_are_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file to the components of a run."""
    counted: Counter[object] = Counter()
    validate = signatures.validate

    def count(target: Any, given: Mapping[str, Any], where: str) -> dict[str, Any]:
        counted[signatures.unwrap_target(target)] += 1
        return validate(target, given, where)

    monkeypatch.setattr(signatures, "validate", count)
    config = TrainConfig.from_dict(
        {
            "model": {"name": "dncnn", "depth": 2, "width": 4},
            "dataset": {"name": "samples", "patch_size": 16},
            "noise": {"name": "gaussian", "std": 0.1},
            "validation_noise": "gaussian:15",
            "loss": {"l1": 1, "mse": 0.5},
            "train": {
                "optimizer": "AdamW",
                "schedule": "cosine",
                "validation_metrics": ["psnr_y"],
            },
            "device": "cpu",
            "save_weight_path": str(tmp_path),
        }
    )
    trainer = Trainer(config)
    assert counted[noises.get("gaussian")] == 2  # two components
    once = [
        *(models.get("dncnn"), datasets.get("samples"), losses.get("l1"), losses.get("mse")),
        *(schedules.get("cosine"), metrics.get("psnr_y"), optimizers.get("adamw")),
    ]
    assert [counted[target] for target in once] == [1] * 7
    assert [(term.name, term.weight) for term in trainer.plan.terms] == [("l1", 1.0), ("mse", 0.5)]
