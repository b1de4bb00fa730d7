"""Registries: components by name.

A component is declared with a target, a callable or a lazy "package.module:Attribute", and made
with `create(name, **arguments)`. Built-in components and plugins are discovered on first use, by
the function given to `discover_with`.
"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from restorekit import signature
from restorekit.errors import (
    ArgumentError,
    NameTakenError,
    PluginError,
    RestoreKitError,
    UnknownNameError,
    did_you_mean,
)

Kind = Literal["model", "noise", "loss", "dataset", "estimator"]
Target = Callable[..., Any]

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ORIGIN = "_restorekit_origin"


@dataclass(frozen=True)
class Component:
    """What a plugin's hook returns: a name and what to call to make the thing.

    Attributes:
        name: snake_case, unique among its kind.
        target: a callable, or "package.module:Attribute", imported when first used.
        summary: one line for listings.
        reference: the paper or source.
        tags: words to filter by.
    """

    name: str
    target: Target | str
    summary: str = ""
    reference: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ArgumentError(f"component name {self.name!r} is not snake_case")
        if isinstance(self.target, str) and not re.fullmatch(r"[\w.]+:[\w.]+", self.target):
            raise ArgumentError(
                f"component '{self.name}': target {self.target!r} is not 'package.module:Attribute'"
            )
        if not isinstance(self.target, str) and not callable(self.target):
            raise ArgumentError(f"component '{self.name}': target is not callable")
        object.__setattr__(self, "tags", tuple(self.tags))


@dataclass(frozen=True)
class Provider:
    """Who brought a component: a distribution, or code of the running process."""

    distribution: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class Origin:
    """Where an object made by a registry came from: enough to make it again."""

    kind: Kind
    name: str
    arguments: Mapping[str, Any]
    provider: Provider


@dataclass(frozen=True)
class Description:
    """Everything known of a component."""

    kind: Kind
    name: str
    summary: str
    reference: str
    tags: tuple[str, ...]
    provider: Provider
    target: str
    file: str
    doc: str
    arguments: tuple[signature.Argument, ...]


@dataclass(frozen=True)
class Entry:
    """A component and who brought it."""

    component: Component
    provider: Provider


class Registry:
    """The components of one kind, by name."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self._entries: dict[str, Entry] = {}

    def register(
        self,
        name: str,
        *,
        summary: str = "",
        reference: str = "",
        tags: tuple[str, ...] = (),
        override: bool = False,
    ) -> Callable[[Target], Target]:
        """Decorator: register a class or function of this process under `name`.

        Raises:
            NameTakenError: the name is taken and `override` is False.
        """

        def decorate(target: Target) -> Target:
            line = summary or _own_doc(target).partition("\n")[0]
            component = Component(name, target, line, reference, tags)
            self.add(component, Provider(target.__module__), override=override)
            return target

        return decorate

    def add(self, component: Component, provider: Provider, *, override: bool = False) -> None:
        """Add a component that `provider` brings.

        Raises:
            NameTakenError: the name is taken and `override` is False.
        """
        _discover(plugins=False)
        taken = self._entries.get(component.name)
        if taken is not None and not override:
            raise NameTakenError(
                f"{self.kind} '{component.name}' of {provider} is already provided by "
                f"{taken.provider}"
            )
        self._entries[component.name] = Entry(component, provider)

    def provider_of(self, name: str) -> Provider | None:
        """Who provides `name`, or None where it is free; loads nothing."""
        entry = self._entries.get(name)
        return entry.provider if entry else None

    def entry(self, name: str) -> Entry:
        """The component called `name` and its provider; plugins are loaded if it is unknown.

        Raises:
            UnknownNameError: nothing is called that.
        """
        _discover(plugins=False)
        if name not in self._entries:
            _discover(plugins=True)
        if name not in self._entries:
            known = sorted(self._entries)
            raise UnknownNameError(
                f"unknown {self.kind} '{name}'.{did_you_mean(str(name), known)} "
                f"Available: {', '.join(known)}{_failed_plugins()}"
            )
        return self._entries[name]

    def get(self, name: str) -> Target:
        """The class or function called `name`, imported.

        Raises:
            UnknownNameError: nothing is called that.
            PluginError: its target cannot be imported.
        """
        entry = self.entry(name)
        target = entry.component.target
        if not isinstance(target, str):
            return target
        module, _, attribute = target.partition(":")
        try:
            resolved: Any = importlib.import_module(module)
            for part in attribute.split("."):
                resolved = getattr(resolved, part)
        except RestoreKitError:  # an extra that is not installed says so itself
            raise
        except Exception as error:
            raise PluginError(
                f"{self.kind} '{name}' of {entry.provider} cannot be imported "
                f"from {target}: {type(error).__name__}: {error}"
            ) from error
        if not callable(resolved):
            raise PluginError(f"{self.kind} '{name}' of {entry.provider}: {target} is not callable")
        return resolved  # type: ignore[no-any-return]

    def create(self, name: str, /, **arguments: Any) -> Any:
        """Make the component called `name`, its arguments checked against its signature first.

        Raises:
            UnknownNameError: nothing is called that.
            ArgumentError: an argument is unknown, missing or cannot be used.
        """
        entry, target = self.entry(name), self.get(name)
        where = f"{self.kind} '{name}'"
        arguments = {k: _path_as_text(v) for k, v in arguments.items()}
        checked = signature.validate(target, arguments, where)
        try:
            made = target(**checked)
        except ArgumentError:
            raise
        except ValueError as error:
            raise ArgumentError(f"{where}: {error}") from error
        # Defaults too: a checkpoint must not change its meaning when a default does.
        full = {a.name: a.default for a in signature.arguments(target) if not a.required}
        origin = Origin(self.kind, name, {**full, **arguments}, entry.provider)
        mark_origin(made, origin)
        return made

    def build(self, spec: str | Mapping[str, Any] | Any) -> Any:
        """Make a component from a name or `{"name": ..., argument: ...}`; pass anything else on.

        Raises:
            ArgumentError: a mapping has no name, or an argument does not fit.
            UnknownNameError: there is no component of that name.
        """
        if isinstance(spec, str):
            return self.create(spec)
        if isinstance(spec, Mapping):
            arguments = dict(spec)
            if not isinstance(name := arguments.pop("name", None), str):
                raise ArgumentError(f"{self.kind} {dict(spec)!r} has no name")
            return self.create(name, **arguments)
        return spec

    def names(self, pattern: str = "*") -> list[str]:
        """The names that match a shell pattern, sorted; plugins' too."""
        _discover(plugins=True)
        return sorted(fnmatch.filter(self._entries, pattern))

    def describe(self, name: str) -> Description:
        """Arguments, docstring, paper, provider and file of a component (imports it)."""
        entry, target = self.entry(name), self.get(name)
        component = entry.component
        plain = signature.plain(target)
        try:
            file = inspect.getsourcefile(plain) or ""
        except TypeError:
            file = ""
        return Description(
            kind=self.kind,
            name=name,
            summary=component.summary,
            reference=component.reference,
            tags=component.tags,
            provider=entry.provider,
            target=f"{plain.__module__}:{getattr(plain, '__qualname__', type(plain).__qualname__)}",
            file=file,
            doc=_own_doc(plain),
            arguments=tuple(signature.arguments(target)),
        )


def _path_as_text(value: Any) -> Any:
    """A path as text, which a checkpoint's card can hold."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def mark_origin(made: Any, origin: Origin) -> None:
    """Note on an object where it came from."""
    # An object without a __dict__ works too, it only cannot tell.
    with contextlib.suppress(AttributeError, TypeError):
        object.__setattr__(made, _ORIGIN, origin)


def origin_of(made: Any) -> Origin | None:
    """Where an object came from, or None where no registry made it."""
    origin = getattr(made, _ORIGIN, None)
    return origin if isinstance(origin, Origin) else None


models = Registry("model")
noises = Registry("noise")
losses = Registry("loss")
datasets = Registry("dataset")
estimators = Registry("estimator")
REGISTRIES: dict[Kind, Registry] = {
    r.kind: r for r in (models, noises, losses, datasets, estimators)
}


@dataclass
class _Discovery:
    run: Callable[[bool], None] = lambda _: None
    failures: Callable[[], list[str]] = list


_discovery = _Discovery()


def discover_with(run: Callable[[bool], None], failures: Callable[[], list[str]]) -> None:
    """Say how components are found, so that this room need not know who finds them.

    Args:
        run: called before a look-up, with False for the built-in components alone and True for
            the plugins as well; must do each only once.
        failures: the plugins that failed to load, a line each.
    """
    _discovery.run, _discovery.failures = run, failures


def _discover(*, plugins: bool) -> None:
    _discovery.run(plugins)


def _own_doc(target: Target) -> str:
    # inspect.getdoc would give an undocumented class the docstring of its base, nn.Module's say.
    return inspect.cleandoc(target.__doc__ or "")


def _failed_plugins() -> str:
    failures = _discovery.failures()
    return f" (failed to load: {'; '.join(failures)})" if failures else ""
