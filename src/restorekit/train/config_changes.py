"""Differences between the configuration of a resumed run and that of its earlier part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from restorekit.config.component_specs import as_named
from restorekit.errors import CheckpointError

# Settings for the device and the folders, which do not change the result.
PLACES = frozenset({"device", "save_weight_path", "load_weight_path"})


class ConfigChange(NamedTuple):
    """A setting that differs, by its key in the configuration."""

    key: str
    before: object
    now: object


def check_changes(file: Path, resolved: Mapping[str, object], say: Callable[[str], None]) -> None:
    """Raise an error if a resumed run has another model; report other differences in one line.

    Args:
        file: the configuration in the folder of the run.
        resolved: the configuration to resume with.
        say: called with the differences.

    Raises:
        CheckpointError: the model differs.
    """
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # missing or edited; the training state itself is still checked
    now = json.loads(json.dumps(resolved))  # with lists for tuples
    found = [c for c in find_changes(before, now) if c.key not in PLACES]
    for change in found:
        if change.key.startswith("model."):
            raise CheckpointError(
                f"{file.parent}: the run there does not fit this configuration: {change.key} is "
                f"{_shown(change.before)} there, not {_shown(change.now)}; "
                "choose another folder, or do not resume"
            )
    if found:
        shown = (f"{c.key} {_shown(c.before)} -> {_shown(c.now)}" for c in found)
        say(f"resumed with other settings: {', '.join(shown)}")


def find_changes(before: Any, now: Any, key: str = "") -> Iterator[ConfigChange]:
    """The settings that differ, in the order of the older configuration.

    If the names of two components differ, only the names are reported. Keys in only one of the
    configurations are ignored: all defaults are written to the file, so they are due to another
    version of restorekit.
    """
    if isinstance(now, Mapping) and isinstance(before := as_named(before), Mapping):
        names = _name(before), _name(now)
        # The arguments of another component cannot be compared.
        if names[0] != names[1]:
            yield ConfigChange(f"{key}.name", *names)
            return
        for inner in before:
            if inner in now:
                yield from find_changes(before[inner], now[inner], f"{key}.{inner}".lstrip("."))
    elif _is_named(before) and _is_named(now) and list(map(_name, before)) == list(map(_name, now)):
        for old, new in zip(before, now, strict=True):
            yield from find_changes(old, new, f"{key}.{_name(new)}")
    elif before != now:
        yield ConfigChange(key, before, now)


def _name(component: Mapping[str, object]) -> object:
    return component.get("name") or component.get("class")


def _is_named(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return str(_name(value) or json.dumps(value))
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
