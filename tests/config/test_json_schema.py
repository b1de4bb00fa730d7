"""The JSON Schema agrees with the configuration."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from restorekit import ConfigError, TrainConfig
from restorekit.components.kinds import REGISTRIES, losses
from restorekit.config.json_schema import json_schema

GOOD: dict[str, Any] = {"model": "unet", "dataset": "samples"}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """A validator of the schema, itself checked against the standard."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_component_is_in_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    """With its arguments and their descriptions."""
    properties, definitions = validator.schema["properties"], validator.schema["$defs"]
    for kind, registry in REGISTRIES.items():
        titles = {c["title"] for c in definitions[kind]["anyOf"] if "title" in c}
        assert titles == set(registry.names())
    for key in ("model", "noise", "dataset"):
        assert properties[key]["$ref"] == f"#/$defs/{key}"
    listed = properties["loss"]["anyOf"][1]["items"]["anyOf"]
    assert {c["title"] for c in listed if "title" in c} == set(losses.names())
    (unet,) = (c for c in definitions["model"]["anyOf"] if c.get("title") == "unet")
    assert unet["properties"]["width"]["type"] == "integer"
    assert unet["properties"]["width"]["description"]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"model": {"name": "unet", "width": 8}},
        {"noise": {"name": "gaussian", "std": [0.0, 0.2]}},
        {"noise": {"name": "one_of", "noises": ["gaussian", {"name": "uniform"}]}},
        {"loss": ["l1", {"name": "ssim", "weight": 0.1}]},
        {"loss": "l1"},
        {"loss": {"name": "l1", "weight": 2}},
        {"train": {"optimizer": "adamw"}},
        {"loss": {"l1": 1, "ssim": {"weight": 0.1, "window_size": 7}}},
        {"train": {"steps": 5, "optimizer": {"name": "sgd", "momentum": 0.9}}},
        {"dataset": {"name": "folder", "path": "pictures", "patch_size": None}},
        {"validation_dataset": None, "load_weight_path": None},
        {"validation_dataset": {"a": "samples", "b": {"name": "folder", "path": "p"}}},
        {"validation_dataset": {"name": "samples", "channels": 1}},
        {"validation_noise": "gaussian:15,25,50"},
        {"validation_noise": ["gaussian:15", {"name": "jpeg", "quality": 50}, "camera"]},
        {"train": {"validation_metric": "ssim", "early_stopping": 3}},
    ],
)
def test_schema_and_configuration_accept_the_same(
    validator: jsonschema.Draft202012Validator, change: dict[str, Any]
) -> None:
    """What one accepts the other does."""
    TrainConfig.from_dict({**GOOD, **change})
    validator.validate({**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"model": "unte"},
        {"model": {"name": "unet", "widht": 8}},
        {"noise": {"name": "gaussian", "std": "much"}},
        {"dataset": "folder"},
        {"loss": {"l2": 1}},
        {"train": {"batch_size": 0}},
        {"modle": "unet"},
        {"validation_dataset": {"a": "sampels"}},
        {"validation_dataset": {}},
        {"validation_noise": []},
        {"validation_noise": [{"name": "gaussian", "sdt": 1}]},
        {"train": {"early_stopping": 0}},
    ],
)
def test_schema_and_configuration_refuse_the_same(
    validator: jsonschema.Draft202012Validator, change: dict[str, Any]
) -> None:
    """What one refuses the other does."""
    with pytest.raises(ConfigError):
        TrainConfig.from_dict({**GOOD, **change})
    assert not validator.is_valid({**GOOD, **change})


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"train": {"optimizer": "AdamW"}}, True),
        ({"train": {"optimizer": {"name": "SGD", "momentum": 0.9}}}, True),
        ({"train": {"optimizer": "adamm"}}, False),
        ({"train": {"optimizer": {"name": "sgd", "momentumm": 0.9}}}, False),
        ({"train": {"optimizer": {"name": "sgd", "momentum": "much"}}}, False),
        ({"objective": {"name": "distillation", "teacher": "swift-photo"}}, True),
        ({"objective": {"name": "distillation", "teacher": "swift-photo", "shares": 1}}, False),
        ({"objective": "distillation"}, False),
    ],
)
def test_optimizers_and_objectives_are_as_strict_as_the_check(
    validator: jsonschema.Draft202012Validator, changes: dict[str, Any], valid: bool
) -> None:
    """The names of optimizers in any letter case, and the arguments of both."""
    assert validator.is_valid({**GOOD, **changes}) == valid
    try:
        TrainConfig.from_dict({**GOOD, **changes})
    except ConfigError:
        assert not valid
    else:
        assert valid
