"""Noises in short form, as in tables: "gaussian:25" is a standard deviation of 25/255."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from restorekit.components import signatures
from restorekit.components.component_records import origin_of
from restorekit.components.kinds import noises
from restorekit.components.noise_texts import PER_255, shown
from restorekit.errors import ArgumentError


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
    `name:VALUE,VALUE` is several noises; `name:key=value`, formulas such as
    `poisson(peak=30) | jpeg(quality=80)` and JSON give arguments on the noise's own scale. A
    mapping is {"name": ..., argument: ...}.

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
        and (values[p.name] != p.default or (p is parameters[0] and origin.name in PER_255))
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
    return f"{value * 255:.6g}" if name in PER_255 else shown(value)


def _of(given: str | Mapping[str, object]) -> list[NamedNoise]:
    return [_make(label, spec) for label, spec in _expand(given)]


def _expand(given: str | Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    if not isinstance(given, str):
        return [(json.dumps(dict(given)), dict(given))]
    return noises.read_all(given)


def _make(label: str, spec: dict[str, object]) -> NamedNoise:
    return NamedNoise(label, spec, noises.build(spec))
