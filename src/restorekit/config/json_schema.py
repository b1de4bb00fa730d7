"""JSON Schema of the configuration, with the arguments of every registered component."""

from __future__ import annotations

import warnings
from typing import Any

from restorekit.components.kinds import REGISTRIES, datasets, losses, models, noises, objectives
from restorekit.components.registry import Registry
from restorekit.config.train_config import TrainConfig
from restorekit.errors import PluginWarning, RestoreKitError

Schema = dict[str, Any]
# The kinds of the components at the top of a configuration, by key.
# A noise that is neither a bare name nor a mapping.
_NOISE_TEXT = {
    "type": "string",
    "pattern": "[:(|+*]",
    "description": "a formula, or name:VALUE,VALUE",
}
SLOTS = {"model": models, "dataset": datasets, "noise": noises, "objective": objectives}


def json_schema() -> Schema:
    """The JSON Schema of `config.json`, which includes the components of plugins.

    Example:
        >>> restorekit.json_schema()["required"]
        ['model', 'dataset']
    """
    schema = TrainConfig.model_json_schema()
    properties, definitions = schema["properties"], schema["$defs"]
    for kind, registry in REGISTRIES.items():
        choices = [c for name in registry.names() for c in _choices(registry, name, definitions)]
        # An empty "anyOf" is not valid; {"not": {}} allows nothing.
        definitions[kind] = {"anyOf": choices or [{"not": {}}]}
    for key, registry in SLOTS.items():
        described = {k: v for k, v in properties[key].items() if k in ("description", "default")}
        properties[key] = {"$ref": f"#/$defs/{registry.kind}", **described}
    definitions["noise"]["anyOf"].append(_NOISE_TEXT)
    _of_validation(properties)
    properties["loss"] = {**_loss_schema(definitions), "default": ["l1"]}
    # The schema of pydantic allows any arguments; the one made here knows those of each component.
    definitions.pop("LossTerm")
    measured = definitions["TrainSettings"]["properties"]["validation_metrics"]
    listed = {"type": "array", "items": {"$ref": "#/$defs/metric"}}
    del measured["items"], measured["type"]
    measured["anyOf"] = [{"$ref": "#/$defs/metric"}, listed]
    training = definitions["TrainSettings"]["properties"]
    training["schedule"]["$ref"] = "#/$defs/schedule"
    training["optimizer"]["$ref"] = "#/$defs/optimizer"
    definitions["optimizer"] = _in_any_case(definitions["optimizer"])
    definitions.pop("ComponentSpec")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "restorekit configuration",
    }


def _in_any_case(choices: Schema) -> Schema:
    """Components whose names are accepted in any letter case."""

    def free(schema: Schema) -> Schema:
        letters = (f"[{c.upper()}{c}]" if c.isalpha() else c for c in schema.pop("const"))
        return {"type": "string", "pattern": f"^{''.join(letters)}$", **schema}

    for each in choices["anyOf"]:
        if "const" in each:
            each.update(free(each))
        else:
            each["properties"]["name"] = free(each["properties"]["name"])
    return choices


def _of_validation(properties: Schema) -> None:
    """Several datasets by name, or one; several noises, or one."""
    sets, noise = [{"$ref": "#/$defs/dataset"}], [{"$ref": "#/$defs/noise"}]
    named = {
        "type": "object",
        "additionalProperties": {"anyOf": sets},
        # A mapping with a name is a single dataset.
        "not": {"required": ["name"]},
        "minProperties": 1,
    }
    listed = {"type": "array", "items": {"anyOf": noise}, "minItems": 1}
    for key, choices in (
        ("validation_dataset", [*sets, named]),
        ("validation_noise", [*noise, listed]),
    ):
        description = properties[key]["description"]
        properties[key] = {
            "anyOf": [*choices, {"type": "null"}],
            "default": None,
            "description": description,
        }


def _loss_schema(definitions: Schema) -> Schema:
    """The loss as a list of terms, or as a map of name to weight or to weight and arguments."""
    weight = {"weight": {"type": "number", "default": 1.0}}
    listed: list[Schema] = []
    mapped: Schema = {}
    for name in losses.names():
        choices = _choices(losses, name, definitions)
        full = choices[-1]
        full["properties"] |= weight
        listed += choices
        rest = {k: v for k, v in full["properties"].items() if k != "name"}
        required = [k for k in full["required"] if k != "name"]
        by_name = {**full, "properties": rest, "required": required}
        mapped[name] = {"anyOf": [by_name] if required else [{"type": "number"}, by_name]}
    return {
        "description": "The loss terms: a list, or a map of name to weight.",
        "anyOf": [
            {"type": "object", "properties": mapped, "additionalProperties": False},
            {"type": "array", "items": {"anyOf": listed}, "minItems": 1},
            *listed,
        ],
    }


def _choices(registry: Registry, name: str, definitions: Schema) -> list[Schema]:
    """A component as its name, if no argument is required, or as an object with its arguments."""
    summary = registry.entry(name).component.summary
    try:
        arguments = registry.json_schema(name)
    except RestoreKitError as error:  # a plugin's component that cannot be used
        warnings.warn(str(error), PluginWarning, stacklevel=2)
        arguments = {"additionalProperties": True}
    definitions.update(arguments.get("$defs", {}))
    required = arguments.get("required", [])
    full: Schema = {
        "type": "object",
        "title": name,
        "description": summary,
        "properties": {"name": {"const": name}, **arguments.get("properties", {})},
        "required": ["name", *required],
        "additionalProperties": arguments.get("additionalProperties", False),
    }
    return [full] if required else [{"const": name, "description": summary}, full]
