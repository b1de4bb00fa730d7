"""Noises in short form, as in tables: "gaussian:25" is a standard deviation of 25/255."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from restorekit.components import signatures
from restorekit.components.component_records import origin_of
from restorekit.components.kinds import noises
from restorekit.config import expressions
from restorekit.errors import ArgumentError

# Noises whose first argument, given without a key, is on the scale of 8-bit levels.
# The literature states these levels in 1/255.
_PER_255 = ("gaussian", "uniform")


@dataclass(frozen=True)
class NamedNoise:
    """A noise model and its label in tables.

    Attributes:
        label: what it is called: the expression that it was written as.
        spec: the component, {"name": ..., argument: ...}.
        module: the noise model.
    """

    label: str
    spec: Mapping[str, object]
    module: object


def read_noises(given: Iterable[str | Mapping[str, object]] | str) -> list[NamedNoise]:
    """Create the noises of some expressions.

    `name:VALUE` gives the first argument of the noise, of gaussian and uniform noise in 1/255;
    `name:VALUE,VALUE` is several noises; `name:key=value` and JSON give arguments on the noise's
    own scale. A mapping is {"name": ..., argument: ...}.

    Raises:
        ArgumentError: an expression cannot be read, an argument does not fit, or a noise is named
            twice.
        UnknownNameError: no noise is called that.
    """
    several = [given] if isinstance(given, str) else given
    found = [noise for each in several for noise in _of(each)]
    labels = [noise.label for noise in found]
    for label in labels:
        if labels.count(label) > 1:
            raise ArgumentError(f"noise '{label}' is given twice")
    return found


def read_specs(given: str | Mapping[str, object]) -> list[dict[str, object]]:
    """The components of an expression, as {"name": ..., argument: ...}, without creating them.

    Raises:
        ArgumentError: the expression cannot be read.
        UnknownNameError: no noise is called that.
    """
    return [spec for _, spec in _expand(given)]


def noise_label(noise: object) -> str:
    """The label of a noise in tables, independent of its spelling: "gaussian:25,clip=true"."""
    origin = origin_of(noise)
    if origin is None:
        parts = getattr(noise, "noises", ())
        return "+".join(map(noise_label, parts)) or type(noise).__name__.lower()
    parameters = signatures.arguments(noises.get(origin.name))
    values = {p.name: origin.arguments.get(p.name) for p in parameters}
    given = {
        p.name: values[p.name]
        for p in parameters
        if _is_plain(values[p.name])
        and (values[p.name] != p.default or (p is parameters[0] and origin.name in _PER_255))
    }
    words = []
    if parameters and (first := parameters[0].name) in given:
        words.append(_in_255(origin.name, given.pop(first)))
    words += [f"{name}={json.dumps(value)}" for name, value in given.items()]
    return f"{origin.name}:{','.join(words)}" if words else origin.name


def _is_plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(each, (int, float)) for each in value)
    return isinstance(value, (bool, int, float, str))


def _in_255(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_in_255(name, each) for each in value)}]"
    # Six digits hide the rounding of value / 255 * 255.
    return f"{value * 255:.6g}" if name in _PER_255 else _shown(value)


def _of(given: str | Mapping[str, object]) -> list[NamedNoise]:
    return [_make(label, spec) for label, spec in _expand(given)]


def _expand(given: str | Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    if not isinstance(given, str):
        return [(json.dumps(dict(given)), dict(given))]
    written = expressions.parse_expression(given)
    if not written.values:
        return [(written.text, {"name": written.name, **written.arguments})]
    parameters = signatures.arguments(noises.get(written.name))
    if not parameters:
        raise ArgumentError(f"noise '{given}': '{written.name}' takes no arguments")
    if (first := parameters[0].name) in written.arguments:
        raise ArgumentError(f"noise '{given}': '{first}' is given twice")
    # Each label must be an expression by itself.
    rest = "".join(f",{key}={json.dumps(value)}" for key, value in written.arguments.items())
    return [
        (
            f"{written.name}:{_shown(value)}{rest}",
            {"name": written.name, first: _scaled(written, value), **written.arguments},
        )
        for value in written.values
    ]


def _scaled(written: expressions.Expression, value: object) -> object:
    if written.name not in _PER_255:
        return value
    if isinstance(value, list):
        return [_scaled(written, each) for each in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(
            f"noise '{written.text}': {_shown(value)} is not a number of 8-bit levels (1/255)"
        )
    if not 0 <= value <= 255:
        raise ArgumentError(
            f"noise '{written.text}': {value} is not between 0 and 255; a bare number is in 1/255"
        )
    return value / 255


def _make(label: str, spec: dict[str, object]) -> NamedNoise:
    return NamedNoise(label, spec, noises.build(spec))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
