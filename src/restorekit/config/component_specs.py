"""Components in a configuration: by name, with arguments, or as weighted loss terms."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticCustomError

from restorekit.components.component_records import CheckedComponent
from restorekit.components.kinds import (
    datasets,
    loggers,
    losses,
    metrics,
    models,
    noises,
    objectives,
    optimizers,
    schedules,
)
from restorekit.components.registry import Registry
from restorekit.components.signatures import counts_booleans
from restorekit.config.component_checks import check_component
from restorekit.devices import resolve_device
from restorekit.errors import ArgumentError, RestoreKitError
from restorekit.optim.optimizers import optimizer_name
from restorekit.untrusted.plain_data import find_unusable

FAULTS = "component_faults"  # a type of error
OWN = "(object)"  # in place of the name, which no component can have
VALIDATION = "validation"  # the name of the only validation set


class Section(BaseModel):
    """A part of a configuration: unknown keys, infinities, and booleans as numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _no_boolean_as_number(cls, value: object, check: ValidatorFunctionWrapHandler) -> object:
        checked = check(value)
        if counts_booleans(value, checked):
            raise PydanticCustomError("number", "Input should be a number")
        return checked


class ComponentSpec(Section):
    """A component by name, with its arguments: "unet" or {"name": "unet", "width": 48}."""

    model_config = ConfigDict(extra="allow")

    name: str
    _checked: CheckedComponent | None = PrivateAttr(None)

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments, without the name."""
        return dict(self.model_extra or {})

    def as_dict(self) -> dict[str, object]:
        """The form `{"name": ..., argument: ...}`."""
        return self.model_dump()

    @property
    def checked(self) -> CheckedComponent:
        """The component as it was checked, ready for `Registry.make`.

        Raises:
            ArgumentError: this stands for an object, which has no name.
        """
        if self._checked is None:
            raise ArgumentError("give the name of a registered component, not an object")
        return self._checked

    @property
    def part(self) -> CheckedComponent | dict[str, object]:
        """What `Registry.build` makes the component of, without another check where it had one."""
        return self._checked or self.as_dict()

    def check(self, registry: Registry, name: str | None = None) -> Self:
        """The same, its arguments and the components within it checked.

        Args:
            registry: its kind.
            name: the registered name, if it is written differently here.

        Raises:
            PydanticCustomError: of type `FAULTS`, with the faults and their places.
        """
        if self.name != OWN:  # an object is asked for where the run is made
            checked = check_component(registry, name or self.name, self.arguments)
            if isinstance(checked, list):
                raise PydanticCustomError(FAULTS, "", {"faults": checked, "name": self.name})
            self._checked = checked
        return self


class LossTerm(ComponentSpec):
    """A loss term by name, with its weight and arguments."""

    weight: float = 1.0


def own_class(value: object) -> str | None:
    """The class of a user-defined object in the configuration of a run: {"class": ...}."""
    given = value.as_dict() if isinstance(value, ComponentSpec) else value
    if not isinstance(given, Mapping) or given.get("name", OWN) != OWN:
        return None
    found = given.get("class")
    return found if isinstance(found, str) else None


def _short(spec: ComponentSpec) -> object:
    if spec.name == OWN:
        return spec.arguments
    return spec.name if not spec.arguments else {"name": spec.name, **spec.arguments}


def as_named(value: object) -> object:
    """A bare name as a mapping; anything else as it is."""
    return {"name": value} if isinstance(value, str) else value


def _as_component(value: Any) -> Any:
    """A bare name, or a user-defined object, as a mapping with a name."""
    return {"name": OWN, **value} if own_class(value) is not None else as_named(value)


def as_terms(value: object) -> object:
    """A map of name to weight (or to weight and arguments), or a list, as a list."""
    if isinstance(value, str):
        return [{"name": value}]
    if isinstance(value, Mapping) and "name" not in value and own_class(value) is None:
        return [
            {"name": name, **(given if isinstance(given, Mapping) else {"weight": given})}
            for name, given in value.items()
        ]
    if isinstance(value, Mapping):
        return [_as_component(value)]
    return [_as_component(item) for item in value] if isinstance(value, Sequence) else value


def is_map_of_sets(value: object) -> bool:
    """Whether this is a map of several datasets by name, and not a single dataset."""
    return isinstance(value, Mapping) and "name" not in value and own_class(value) is None


def as_sets(value: object) -> object:
    """One dataset, or a map of name to dataset, as a map."""
    return value if value is None or is_map_of_sets(value) else {VALIDATION: value}


def as_one_set(sets: Mapping[str, object]) -> object:
    """A map of name to dataset in its shortest form: a single unnamed one alone, none as None."""
    return sets[VALIDATION] if list(sets) == [VALIDATION] else dict(sets) or None


def as_noise(value: object) -> object:
    """A noise; one that is written as a formula or a short form as a mapping."""
    if not isinstance(value, str):
        return value
    try:
        return noises.read(value)
    except RestoreKitError as error:
        raise ValueError(str(error)) from error


def as_noises(value: object) -> object:
    """Noises, by names, expressions such as "gaussian:15,25,50" or mappings, as a list."""
    given = [value] if isinstance(value, (str, Mapping)) else value
    if not isinstance(given, (list, tuple)):
        return given
    try:
        return [
            spec for each in given for spec in (_specs(each) if isinstance(each, str) else [each])
        ]
    except RestoreKitError as error:
        raise ValueError(str(error)) from error


def _specs(text: str) -> list[dict[str, object]]:
    return [spec for _, spec in noises.read_all(text)]


def _as_text(value: object) -> object:
    # A `Path` is accepted from Python; in the file of the run it is text.
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(text, str) and (unusable := find_unusable(text)) is not None:
        raise ValueError(unusable)
    return text


def _listed(given: object) -> object:
    """One component as a list of it, null as an empty one."""
    return [given] if isinstance(given, (str, Mapping)) else [] if given is None else given


def _usable_optimizer(spec: ComponentSpec) -> ComponentSpec:
    return spec.check(optimizers, optimizer_name(spec.name))


def _usable_device(name: str) -> str:
    resolve_device(name)
    return name


PathField = Annotated[str, BeforeValidator(_as_text)]
ComponentField = Annotated[ComponentSpec, BeforeValidator(_as_component), PlainSerializer(_short)]
ModelField = Annotated[ComponentField, AfterValidator(lambda spec: spec.check(models))]
NoiseField = Annotated[
    ComponentField, BeforeValidator(as_noise), AfterValidator(lambda spec: spec.check(noises))
]
DatasetField = Annotated[ComponentField, AfterValidator(lambda spec: spec.check(datasets))]
ObjectiveField = Annotated[ComponentField, AfterValidator(lambda spec: spec.check(objectives))]
MetricField = Annotated[ComponentField, AfterValidator(lambda spec: spec.check(metrics))]
ScheduleField = Annotated[ComponentField, AfterValidator(lambda spec: spec.check(schedules))]
MetricsField = Annotated[
    list[MetricField],
    BeforeValidator(_listed),
]
LoggersField = Annotated[
    list[Annotated[ComponentField, AfterValidator(lambda spec: spec.check(loggers))]],
    BeforeValidator(_listed),
]
DatasetsField = Annotated[
    dict[str, DatasetField],
    BeforeValidator(as_sets),
    PlainSerializer(lambda sets: as_one_set({name: _short(spec) for name, spec in sets.items()})),
    Field(min_length=1),
]
NoisesField = Annotated[list[NoiseField], BeforeValidator(as_noises), Field(min_length=1)]
LossField = Annotated[
    list[Annotated[LossTerm, AfterValidator(lambda term: term.check(losses))]],
    BeforeValidator(as_terms),
    Field(min_length=1),
]
OptimizerField = Annotated[ComponentField, AfterValidator(_usable_optimizer)]
DeviceField = Annotated[str, AfterValidator(_usable_device)]
