"""The check of a component that a configuration names, and of the components within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from restorekit.components.component_records import CheckedComponent
from restorekit.components.kinds import REGISTRIES
from restorekit.components.registry import Registry
from restorekit.errors import RestoreKitError, UnknownNameError
from restorekit.untrusted.plain_data import DEEPEST


class Fault(NamedTuple):
    """What is wrong, and in which component: ".noises.1" within the one that was checked."""

    place: str
    text: str


class _Named(NamedTuple):
    """A component that is named somewhere within another."""

    place: str
    registry: Registry
    name: str
    arguments: Mapping[str, object]


def check_component(
    registry: Registry, name: str, arguments: Mapping[str, object]
) -> CheckedComponent | list[Fault]:
    """A component ready to be made, or what is wrong with it and with those within it.

    An argument called like a kind ("noise", "noises", "model") holds components of that kind. In
    any other argument, a mapping with the name of a component of the outer kind is one.

    Args:
        registry: its kind.
        name: its name.
        arguments: its arguments, by name.
    """
    outer = _Named("", registry, name, arguments)
    checked, faults = _check(outer)
    faults += [fault for inner in _within(outer) for fault in _check(inner)[1]]
    # All faults at once, so that the user does not find them one run after the other.
    return faults or checked or []


def checked_components(outer: CheckedComponent) -> Iterator[tuple[str, CheckedComponent]]:
    """A component and those within it, each with its place, "" for the outer one."""
    yield "", outer
    registry = REGISTRIES[outer.kind]
    for inner in _within(_Named("", registry, outer.name, outer.arguments)):
        checked, _ = _check(inner)
        if checked is not None:
            yield inner.place, checked


def _check(named: _Named) -> tuple[CheckedComponent | None, list[Fault]]:
    try:
        return named.registry.check(named.name, named.arguments), []
    except RestoreKitError as error:
        faults = getattr(error, "faults", ()) or (str(error),)
        return None, [Fault(named.place, fault) for fault in faults]


def _within(outer: _Named) -> Iterator[_Named]:
    """The components within one, at any depth."""
    for key, value in outer.arguments.items():
        kind = next((r for r in REGISTRIES.values() if key in (r.kind, r.plural)), None)
        for inner in _in_value(value, f"{outer.place}.{key}", outer.registry, kind):
            yield inner
            yield from _within(inner)


def _in_value(
    value: object, place: str, outer: Registry, kind: Registry | None
) -> Iterator[_Named]:
    """The components that a value names, themselves or in a list or mapping.

    Args:
        value: an argument, or a part of one.
        place: where it is.
        outer: the kind of the component whose argument it is.
        kind: the kind after which the argument is called.
    """
    if place.count(".") > DEEPEST:  # a mapping can hold itself
        return
    if isinstance(value, str) and kind is outer:  # of another kind, it may be any text
        yield _Named(place, outer, value, {})
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            yield from _in_value(each, f"{place}.{index}", outer, kind)
    elif isinstance(value, Mapping):
        name = value.get("name")
        if isinstance(name, str) and (kind is not None or _has(outer, name)):
            arguments = {str(k): v for k, v in value.items() if k != "name"}
            yield _Named(place, kind or outer, name, arguments)
        else:
            for key, each in value.items():
                yield from _in_value(each, f"{place}.{key}", outer, None)


def _has(registry: Registry, name: str) -> bool:
    try:
        registry.entry(name)
    except UnknownNameError:
        return False
    return True
