"""Presets: sets of arguments of a component by name, such as the published sizes of a network."""

from __future__ import annotations

from collections.abc import Mapping

from restorekit.components.component_records import RegistryEntry
from restorekit.components.signatures import unfit_arguments
from restorekit.errors import did_you_mean
from restorekit.untrusted.text import quoted

PRESET = "preset"  # the argument that names one


def with_preset(entry: RegistryEntry, arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments of a component with those of the preset that they name.

    Arguments that are given with `preset` replace those of the preset. A component without
    presets may have an argument of this name itself.

    Raises:
        ArgumentError: it has no such preset.
    """
    presets = entry.component.presets
    if PRESET not in arguments or not presets:
        return dict(arguments)
    others = {name: value for name, value in arguments.items() if name != PRESET}
    chosen = arguments[PRESET]
    if not isinstance(chosen, str) or chosen not in presets:
        near = did_you_mean(chosen, presets) if isinstance(chosen, str) else ""
        fault = f"no preset {quoted(chosen)}.{near} Presets: {', '.join(presets)}"
        raise unfit_arguments(entry.qualified_name, [fault])
    return {**presets[chosen], **others}


def split_preset(name: str, arguments: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The name and the arguments that "NAME:PRESET" means; another name is left as it is.

    Raises:
        ArgumentError: a preset is given twice.
    """
    base, colon, preset = name.partition(":")
    if not colon:
        return name, dict(arguments)
    if PRESET in arguments:
        raise unfit_arguments(base, [f"two presets, '{preset}' and {quoted(arguments[PRESET])}"])
    return base, {PRESET: preset, **arguments}


def preset_schema(entry: RegistryEntry) -> dict[str, object]:
    """The JSON Schema of the argument `preset`, by its name; empty without presets."""
    presets = entry.component.presets
    words = "A set of arguments by name; arguments that are given replace those of the preset."
    return {PRESET: {"enum": list(presets), "description": words}} if presets else {}
