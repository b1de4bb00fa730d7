"""Overrides of a configuration from the command line, "key.path=value"."""

from __future__ import annotations

from collections.abc import Mapping

from restorekit.components.expressions import read_value
from restorekit.config.component_specs import as_terms
from restorekit.errors import ArgumentError, ConfigError
from restorekit.untrusted.plain_data import DEEPEST
from restorekit.untrusted.text import quoted


def apply_override(data: Mapping[str, object], text: str) -> dict[str, object]:
    """Apply "key.path=value" to a configuration; the value is JSON if valid, otherwise text.

    Raises:
        ConfigError: it is not of that form, or the value is JSON that cannot be used.
    """
    path, equals, raw = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys) or len(keys) > DEEPEST:
        raise ConfigError([f"override {quoted(text)}: not of the form key.path=value"])
    try:
        value = read_value(raw)
    except ArgumentError as error:
        raise ConfigError([f"override {quoted(path)}: {error}"]) from error
    return _put(dict(data), keys, value)


def put_value(data: Mapping[str, object], path: str, value: object) -> dict[str, object]:
    """A configuration with the value of a key such as "train.steps".

    Raises:
        ConfigError: the key is invalid.
    """
    keys = path.split(".")
    if not all(keys) or len(keys) > DEEPEST:
        raise ConfigError([f"setting {quoted(path)}: not of the form key.path"])
    return _put(dict(data), keys, value)


def _put(data: dict[str, object], keys: list[str], value: object) -> dict[str, object]:
    key, rest = keys[0], keys[1:]
    if not rest:
        rivals = {"steps": "epochs", "epochs": "steps"}  # the one given last applies
        return {k: v for k, v in data.items() if k != rivals.get(key)} | {key: value}
    inner = data.get(key, {})
    if key == "loss" and (by_name := _terms_by_name(inner)) is not None:
        inner = by_name
        # "loss.ssim=0.2" is short for the weight of the term.
        if len(rest) == 1 and not isinstance(value, Mapping):
            return {**data, key: {**inner, rest[0]: {**inner.get(rest[0], {}), "weight": value}}}
    elif isinstance(inner, str):
        inner = {"weights" if key == "teacher" else "name": inner}
    return {**data, key: _put(inner if isinstance(inner, dict) else {}, rest, value)}


def _terms_by_name(loss: object) -> dict[str, dict[str, object]] | None:
    """Loss terms as a map, or None if they are not a list or map of named terms."""
    found = as_terms(loss)
    if not isinstance(found, list) or not all(
        isinstance(t, Mapping) and isinstance(t.get("name"), str) for t in found
    ):
        return None
    return {t["name"]: {k: v for k, v in t.items() if k != "name"} for t in found}
