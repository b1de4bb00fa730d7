"""Where in a configuration an error belongs, for errors that arise when the run is made.

A check of the signature finds most mistakes. Some values are refused by the constructor of a
component only; the error carries the component, which is then looked up in the configuration. An
error of no component carries the key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from restorekit.components.component_records import CheckedComponent
from restorekit.config.component_checks import checked_components
from restorekit.config.component_specs import VALIDATION, ComponentSpec, LossTerm, Section
from restorekit.config.train_config import TrainConfig
from restorekit.errors import ConfigError, RestoreKitError


@contextmanager
def errors_of(key: str) -> Iterator[None]:
    """Within the block an error that is of no component belongs to a key of the configuration."""
    try:
        yield
    except RestoreKitError as error:
        error.key = error.key or key
        raise


@contextmanager
def errors_at_their_place(
    config: TrainConfig, key: str = "", *, replaced: Collection[str] = ()
) -> Iterator[None]:
    """Within the block an error of a value of a configuration names the file and the key.

    Args:
        config: the configuration.
        key: the key to which an error belongs that is of no component.
        replaced: keys whose values are not those of the configuration.

    Raises:
        ConfigError: with the name of the configuration in front of each problem.
        RestoreKitError: with the name and the key in front, if its component is in `config`.
    """
    prefix = f"{config.source}: " if config.source else ""
    try:
        yield
    except ConfigError as error:
        raise ConfigError([f"{prefix}{each}" for each in error.problems]) from error
    except RestoreKitError as error:
        key = error.key or key
        otherwise = "" if key in replaced else key
        place = _place_of(error.component, config) if error.component else otherwise
        if place:
            faults = "; ".join(getattr(error, "faults", ())) or str(error)
            error.put(f"{prefix}{place}: {faults}")
        raise


def _place_of(component: object, config: TrainConfig) -> str | None:
    """The key of a component, for example "noise.noises.1"; None if it is not in there."""
    for key, spec in _specs_in(config):
        if isinstance(spec.part, CheckedComponent):
            for place, checked in checked_components(spec.part):
                if checked == component:
                    return f"{key}{place}"
    return None


def _specs_in(section: Section, within: str = "") -> Iterator[tuple[str, ComponentSpec]]:
    """The components of a section and of the sections in it, by key."""
    for name in type(section).model_fields:
        value, key = getattr(section, name), f"{within}{name}"
        if isinstance(value, ComponentSpec):
            yield key, value
        elif isinstance(value, Section):
            yield from _specs_in(value, f"{key}.")
        elif isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, ComponentSpec):
                    yield f"{key}.{each.name if isinstance(each, LossTerm) else index}", each
        elif isinstance(value, dict):
            for inner, each in value.items():
                yield key if list(value) == [VALIDATION] else f"{key}.{inner}", each
