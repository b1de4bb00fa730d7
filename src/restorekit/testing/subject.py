"""What is checked: a component by name, with arguments, or as an object."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restorekit.components.argument_presets import PRESET
from restorekit.components.component_records import origin_of
from restorekit.components.registry import Registry

TINY = "tiny"  # the preset for checks


@dataclass(frozen=True)
class Subject:
    """A component to check.

    Attributes:
        registry: the registry of its kind.
        name: its registered name; None for an object that no registry made.
        arguments: what it is made with.
        given: the objects that components of its kind take first, the noise of an objective.
        made: the object, if it was not made by name.
    """

    registry: Registry[Any]
    name: str | None
    arguments: Mapping[str, Any]
    given: tuple[Any, ...] = ()
    made: Any = None

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.registry.kind} '{self.name or type(self.made).__name__}'"

    def make(self) -> Any:
        """A new object; a copy of one that was not made by name."""
        if self.name is not None:
            return self.registry.create(self.name, *self.given, **self.arguments)
        try:
            return copy.deepcopy(self.made)
        except Exception:  # a function of an extension, for example
            return self.made


def small_arguments(registry: Registry[Any], name: str) -> dict[str, object]:
    """The arguments of a component by name: its preset "tiny" if there is one, or its defaults."""
    return {PRESET: TINY} if TINY in registry.entry(name).component.presets else {}


def subject_of(registry: Registry[Any], component: Any, *given: Any) -> Subject:
    """The subject for a name, {"name": ..., argument: ...} or an object.

    An object that a registry made is checked by its name, with its arguments.
    """
    if isinstance(component, str):
        return Subject(registry, component, small_arguments(registry, component), given)
    if isinstance(component, Mapping):
        arguments = dict(component)
        return Subject(registry, str(arguments.pop("name", "")), arguments, given)
    origin = origin_of(component)
    if origin is not None and origin.kind == registry.kind:
        return Subject(registry, origin.name, origin.arguments, given)
    return Subject(registry, None, {}, given, component)
