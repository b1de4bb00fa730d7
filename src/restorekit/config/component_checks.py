"""Checks of the components in a configuration, at any depth of nesting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
from restorekit.components.registry import Registry
from restorekit.config.component_specs import (
    ComponentSpec,
    as_named,
    as_noises,
    as_terms,
    is_map_of_sets,
    own_class,
)
from restorekit.devices import resolve_device
from restorekit.errors import RestoreKitError
from restorekit.optim.optimizers import optimizer_name

SLOTS: dict[str, Registry] = {
    "model": models,
    "dataset": datasets,
    "noise": noises,
}
NamedComponent = tuple[str, Registry, Any]


def component_errors(data: Mapping[str, Any]) -> list[str]:
    """The problems of a configuration: unknown names, wrong arguments, an unusable device.

    Args:
        data: a configuration that `find_unusable` has found nothing wrong with.
    """
    named = [(key, registry, data.get(key)) for key, registry in SLOTS.items()]
    named += _of_validation(data) + _of_training(data)
    terms = as_terms(data.get("loss", []))
    if isinstance(terms, list):
        named += [(f"loss.{_name(term)}", losses, term) for term in terms]
    found = [fault for each in named for inner in _with_inner(each) for fault in _faults(*inner)]
    return found + _other_faults(data)


def _of_validation(data: Mapping[str, Any]) -> list[NamedComponent]:
    """The datasets and noises to validate with."""
    sets = data.get("validation_dataset")
    if isinstance(sets, Mapping) and is_map_of_sets(sets):
        found: list[NamedComponent] = [
            (f"validation_dataset.{n}", datasets, s) for n, s in sets.items()
        ]
    else:
        found = [("validation_dataset", datasets, sets)]
    try:
        listed = as_noises(data.get("validation_noise"))
    except ValueError:  # reported when the key is read
        listed = []
    several = listed if isinstance(listed, list) else []
    return found + [(f"validation_noise.{i}", noises, each) for i, each in enumerate(several)]


def _of_training(data: Mapping[str, Any]) -> list[NamedComponent]:
    """The components under `train`."""
    if not isinstance(train := data.get("train"), Mapping):
        return []
    measured = train.get("validation_metrics")
    several = measured if isinstance(measured, (list, tuple)) else [measured]
    return [
        ("train.optimizer", optimizers, train.get("optimizer")),
        ("train.schedule", schedules, train.get("schedule")),
        *((f"train.validation_metrics.{i}", metrics, each) for i, each in enumerate(several)),
    ]


def _with_inner(outer: NamedComponent) -> Iterator[tuple[str, Registry, ComponentSpec]]:
    """A component, and those that it is made of: the noises of one_of, chain and luminance."""
    path, registry, value = outer
    if (spec := _spec(value)) is None:
        return
    yield path, registry, spec
    inner = [("noise", spec.arguments.get("noise"))]
    if isinstance(several := spec.arguments.get("noises"), (list, tuple)):
        inner += [(f"noises.{place}", each) for place, each in enumerate(several)]
    for place, each in inner:
        yield from _with_inner((f"{path}.{place}", registry, each))


def _faults(path: str, registry: Registry, spec: ComponentSpec) -> list[str]:
    own = ("weight",) if registry is losses else ()
    arguments = {k: v for k, v in spec.arguments.items() if k not in own}
    try:
        name = optimizer_name(spec.name) if registry is optimizers else spec.name
        faults = signatures.find_faults(registry.configurable(name), arguments)
    except RestoreKitError as error:
        faults = [str(error)]
    return [f"{path}: {fault}" for fault in faults]


def _other_faults(data: Mapping[str, Any]) -> list[str]:
    try:
        resolve_device(str(data.get("device", "auto")))
    except RestoreKitError as error:
        return [f"device: {error}"]
    return []


def _spec(value: Any) -> ComponentSpec | None:
    if own_class(value) is not None:  # an object is asked for where the run is made
        return None
    if isinstance(value, ComponentSpec):
        return value
    value = as_named(value)
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return None
    return ComponentSpec.model_validate(dict(value)) if isinstance(value.get("name"), str) else None


def _name(value: Any) -> str:
    spec = _spec(value)
    return spec.name if spec else "?"
