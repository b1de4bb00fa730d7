"""Finds, loads, isolates and reports plugins.

A plugin is a distribution with an entry point in the group `restorekit` that names a module whose
functions implement hooks of `restorekit.hookspecs`. One that cannot be used is set aside with one
warning; the others, and restorekit itself, are not touched by it.

RESTOREKIT_PLUGINS limits which distributions are loaded ("" none, "a,b" only those);
RESTOREKIT_STRICT_PLUGINS=1 raises instead of warning.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import os
import re
import reprlib
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pluggy

from restorekit import builtin, hookspecs
from restorekit.errors import PluginError, PluginWarning, did_you_mean
from restorekit.registry import (
    Component,
    Provider,
    Registry,
    datasets,
    estimators,
    losses,
    models,
    noises,
)

GROUP = "restorekit"
COMPONENT_HOOKS: dict[str, Registry] = {
    "restorekit_models": models,
    "restorekit_noises": noises,
    "restorekit_losses": losses,
    "restorekit_datasets": datasets,
    "restorekit_estimators": estimators,
}


@dataclass
class Plugin:
    """What became of one entry point.

    Attributes:
        name: the entry point's name.
        provider: the distribution and its version.
        module: what the entry point names.
        cause: why it was set aside, None where it is loaded.
        components: the names it brought, by kind.
    """

    name: str
    provider: Provider
    module: str
    cause: str | None = None
    components: dict[str, list[str]] = field(default_factory=dict)


class _Host:
    """The pluggy manager and what has been loaded so far."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("restorekit")
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        self.builtins_loaded = False
        self.plugins_loaded = False
        self.lock = threading.RLock()

    def load_builtins(self) -> None:
        with self.lock:
            if not self.builtins_loaded:
                self.builtins_loaded = True
                provider = Provider("restorekit", importlib.metadata.version("restorekit"))
                self._adopt(Plugin("builtin", provider, builtin.__name__), builtin)

    def load_plugins(self) -> None:
        with self.lock:
            first = not self.plugins_loaded
            self.plugins_loaded = True
            for entry_point in _selected_entry_points() if first else ():
                self._load(entry_point)
        # Reported when all are loaded: a warning that is made an error must not stop the others.
        messages = [
            f"plugin '{p.name}' of {p.provider} was set aside: {p.cause}"
            for p in self.plugins
            if p.cause
        ]
        if messages and os.environ.get("RESTOREKIT_STRICT_PLUGINS") == "1":
            raise PluginError("; ".join(messages))
        for message in messages if first else ():
            warnings.warn(message, PluginWarning, stacklevel=2)

    def _load(self, entry_point: importlib.metadata.EntryPoint) -> None:
        plugin = Plugin(entry_point.name, _provider(entry_point), entry_point.value)
        twin = next((p for p in self.plugins if p.name == plugin.name and not p.cause), None)
        self.plugins.append(plugin)
        try:
            if twin is not None:
                raise PluginError(f"entry point '{plugin.name}' is already that of {twin.provider}")
            self._adopt(plugin, _import(entry_point))
        except PluginError as error:
            plugin.cause = str(error)

    def _adopt(self, plugin: Plugin, module: Any) -> None:
        """Register a plugin's components: all of them, or, if anything is wrong, none."""
        key = f"{plugin.provider.distribution}:{plugin.name}"
        try:
            self._register_hooks(module, key)
            found = [
                (registry, component)
                for hook, registry in COMPONENT_HOOKS.items()
                for component in self._call(hook, module)
            ]
            _check_names(found, plugin.provider)
        except PluginError:
            if self.manager.get_plugin(key) is not None:
                self.manager.unregister(name=key)
            raise
        for registry, component in found:
            registry.add(component, plugin.provider)
            plugin.components.setdefault(registry.kind, []).append(component.name)

    def _register_hooks(self, module: Any, key: str) -> None:
        if inspect.isclass(module):
            raise PluginError(f"{module.__qualname__} is a class; name a module or an instance")
        try:
            self.manager.register(module, name=key)
        except Exception as error:  # an object's own attributes may raise when they are looked at
            raise PluginError(f"it cannot be registered: {_one_line(error)}") from error
        callers = self.manager.get_hookcallers(module) or []
        if not callers:
            raise PluginError(
                "it implements no hook; decorate its functions with restorekit.hookimpl"
            )
        known = [name for name in vars(hookspecs) if name.startswith("restorekit_")]
        for caller in callers:
            if not caller.has_spec():
                raise PluginError(
                    f"unknown hook '{caller.name}'.{did_you_mean(caller.name, known)}"
                )

    def _call(self, hook: str, module: Any) -> list[Component]:
        implementations = getattr(self.manager.hook, hook).get_hookimpls()
        mine = [i.function for i in implementations if i.plugin is module]
        return [component for function in mine for component in _components(function, hook)]


def _components(function: Any, hook: str) -> list[Component]:
    try:
        returned = function()
        found = (
            list(returned)
            if isinstance(returned, Iterable) and not isinstance(returned, (str, bytes))
            else [returned]
        )
    except (Exception, SystemExit) as error:
        raise PluginError(f"{hook} raised {_cause(error)}") from error
    for item in found:
        if not isinstance(item, Component):
            raise PluginError(f"{hook} returned {_shown(item)}, not a restorekit.Component")
    return found


def _check_names(found: list[tuple[Registry, Component]], provider: Provider) -> None:
    seen: set[tuple[str, str]] = set()
    for registry, component in found:
        holder = registry.provider_of(component.name)
        if (registry.kind, component.name) in seen:
            holder = provider
        if holder is not None:
            raise PluginError(
                f"{registry.kind} '{component.name}' of {provider} is already provided by {holder}"
            )
        seen.add((registry.kind, component.name))


def _import(entry_point: importlib.metadata.EntryPoint) -> Any:
    try:
        return entry_point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f"importing {entry_point.value} raised {_cause(error)}") from error


def _selected_entry_points() -> list[importlib.metadata.EntryPoint]:
    found = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda e: (_provider(e).distribution.lower(), e.name),
    )
    wanted = os.environ.get("RESTOREKIT_PLUGINS")
    if wanted is None:
        return found
    names = {_normalised(name) for name in wanted.split(",") if name.strip()}
    return [e for e in found if _normalised(_provider(e).distribution) in names]


def _provider(entry_point: importlib.metadata.EntryPoint) -> Provider:
    distribution = entry_point.dist
    if distribution is None:
        return Provider("unknown distribution")
    # What a broken installation leaves behind may have no metadata.
    found = {key: distribution.metadata[key] for key in distribution.metadata}
    return Provider(found.get("Name", "unknown distribution"), found.get("Version", ""))


def _normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {_one_line(error)}".rstrip(": ")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _shown(item: object) -> str:
    return " ".join(reprlib.repr(item).split())


_host = _Host()


def discover(plugins: bool) -> None:
    """Load the built-in components, and with `plugins` the installed plugins too, each once."""
    _host.load_builtins()
    if plugins:
        _host.load_plugins()


def loaded_plugins() -> list[Plugin]:
    """Every entry point found, loaded or set aside."""
    discover(plugins=True)
    return list(_host.plugins)


def failures() -> list[str]:
    """The plugins set aside so far, a line each."""
    return [f"{p.name} of {p.provider}: {p.cause}" for p in _host.plugins if p.cause]


def implementations(hook: str) -> list[tuple[str, Callable[..., Any], Sequence[str]]]:
    """Who implements a hook: the plugin, its function, and the arguments that it takes."""
    discover(plugins=True)
    found = getattr(_host.manager.hook, hook).get_hookimpls()
    return [(i.plugin_name, i.function, i.argnames) for i in found]
