"""Presets: sets of arguments of a component by name."""

from __future__ import annotations

import json

import jsonschema
import pytest
from torch import nn

from restorekit import Component, create_model
from restorekit.components.component_records import origin_of
from restorekit.components.registry import Registry
from restorekit.config.train_config import TrainConfig
from restorekit.errors import ArgumentError
from restorekit.testing.subject import small_arguments


class Network(nn.Module):
    """A model with two sizes."""

    def __init__(self, channels: int = 3, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.sizes = channels, width, depth


PRESETS = {"large": {"width": 128, "depth": 8}, "tiny": {"width": 2}}


@pytest.fixture
def registry() -> Registry[nn.Module]:
    registry = Registry[nn.Module]("model")
    registry.register("net", presets=PRESETS)(Network)
    registry.register("plain")(Network)
    return registry


def test_a_preset_stands_for_arguments(registry: Registry[nn.Module]) -> None:
    """The others keep their defaults."""
    assert registry.create("net", preset="large").sizes == (3, 128, 8)
    assert registry.create("net", preset="tiny").sizes == (3, 2, 4)


def test_given_arguments_replace_those_of_the_preset(registry: Registry[nn.Module]) -> None:
    """Both as keywords and in a mapping."""
    assert registry.create("net", preset="large", depth=2, channels=1).sizes == (1, 128, 2)
    assert registry.build({"name": "net", "preset": "large", "depth": 2}).sizes == (3, 128, 2)


def test_the_origin_has_the_arguments(registry: Registry[nn.Module]) -> None:
    """Weights files must not change their meaning when a preset does."""
    origin = origin_of(registry.create("net", preset="large"))
    assert origin is not None
    assert origin.arguments == {"channels": 3, "width": 128, "depth": 8}


@pytest.mark.parametrize("preset", ["larg", 3, None])
def test_an_unknown_preset_is_refused_with_those_there_are(
    registry: Registry[nn.Module], preset: object
) -> None:
    """In one line."""
    with pytest.raises(ArgumentError) as caught:
        registry.create("net", preset=preset)
    message = str(caught.value)
    assert message.startswith("model 'net': no preset ")
    assert message.endswith("Presets: large, tiny")
    assert ("Did you mean 'large'?" in message) == (preset == "larg")


def test_without_presets_the_argument_is_unknown(registry: Registry[nn.Module]) -> None:
    """As any other argument that the target does not have."""
    with pytest.raises(ArgumentError, match="unknown argument 'preset'"):
        registry.create("plain", preset="large")


def test_the_schema_takes_presets_by_name(registry: Registry[nn.Module]) -> None:
    """And refuses others."""
    schema = registry.json_schema("net")
    jsonschema.validate({"preset": "tiny", "depth": 3}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"preset": "huge"}, schema)
    assert "preset" not in registry.json_schema("plain")["properties"]


@pytest.mark.parametrize("presets", [["large"], {"Large": {}}, {"large": 3}])
def test_presets_of_another_form_are_a_fault(presets: object) -> None:
    """The plugin that declares them is reported."""
    component = Component("net", Network, presets=presets)  # type: ignore[arg-type]
    assert component.fault == "component 'net': presets are arguments by snake_case names"


def test_a_component_with_presets_is_hashable() -> None:
    """Records of components are kept in sets."""
    assert len({Component("net", Network, presets=PRESETS), Component("net", Network)}) == 2


def test_checks_use_the_tiny_preset(registry: Registry[nn.Module]) -> None:
    """And the defaults of a component that has none."""
    assert small_arguments(registry, "net") == {"preset": "tiny"}
    assert small_arguments(registry, "plain") == {}


def test_a_run_is_configured_by_preset() -> None:
    """The configuration keeps the preset; the component that is made has its arguments."""
    given = {"model": {"name": "dncnn", "preset": "tiny", "channels": 1}, "dataset": "samples"}
    config = TrainConfig.model_validate(given)
    assert json.loads(config.model_dump_json())["model"] == given["model"]
    tiny = create_model("dncnn", preset="tiny", channels=1)
    made = origin_of(tiny)
    assert made is not None
    assert config.model.checked.arguments == made.arguments
