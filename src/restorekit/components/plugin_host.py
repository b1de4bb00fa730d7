"""Finds, loads, isolates and reports plugins.

A plugin is a distribution with an entry point in the group `restorekit` that names a module whose
functions implement hooks of `restorekit.components.hookspecs`. One that cannot be used is set
aside with one warning; the others, and restorekit itself, are not touched by it.

RESTOREKIT_PLUGINS limits which distributions are loaded ("" none, "a,b" only those);
RESTOREKIT_STRICT_PLUGINS=1 raises instead of warning.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint, version
from types import FrameType

import pluggy

from restorekit.components import (
    builtin,
    builtin_classical,
    builtin_commands,
    builtin_losses,
    builtin_networks,
    builtin_noises,
    builtin_objectives,
    builtin_training,
    builtin_weights,
    hookspecs,
)
from restorekit.components.catalogue import Catalogue
from restorekit.components.component_records import Provider, Record, origin_of
from restorekit.components.entry_points import entry_points, provider
from restorekit.components.isolation import attempt
from restorekit.components.kinds import CATALOGUES
from restorekit.components.plugin_modules import call_component_hook, import_plugin, read_hooks
from restorekit.components.plugin_record import Plugin
from restorekit.components.process_state import KeptState
from restorekit.errors import (
    ArgumentError,
    NameTakenError,
    PluginError,
    PluginWarning,
    did_you_mean,
)

LOGGER = logging.getLogger(__name__)


class _Host:
    """The pluggy manager and the plugins loaded so far."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("restorekit")
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        self.builtins_loaded = False
        self.plugins_loaded = False
        # Reentrant, because a plugin may use restorekit while it is imported.
        self.lock = threading.RLock()

    def load_builtins(self) -> None:
        with self.lock:
            if not self.builtins_loaded:
                # Set first, because `Registry.add` asks for the built-ins before it adds a
                # component.
                self.builtins_loaded = True
                own = Provider("restorekit", version("restorekit"))
                for module in (
                    builtin_networks,
                    builtin_classical,
                    builtin,
                    builtin_losses,
                    builtin_noises,
                    builtin_objectives,
                    builtin_training,
                    builtin_weights,
                    builtin_commands,
                ):
                    name = module.__name__
                    self.adopt(Plugin(name.rpartition(".")[2], own, name), module)

    def load_plugins(self) -> None:
        with self.lock:
            first = not self.plugins_loaded
            # Set first, so that a plugin that lists components while it is imported does not load
            # all again.
            self.plugins_loaded = True
            for entry_point in self._selected() if first else ():
                self._load(entry_point)
        # After all are loaded: if warnings are errors, one must not stop the other plugins.
        messages = [message for plugin in self.plugins if (message := plugin.complaint)]
        # On every call: a later one must not go on with the remaining plugins.
        if messages and os.environ.get("RESTOREKIT_STRICT_PLUGINS") == "1":
            raise PluginError("; ".join(messages))
        for message in messages if first else ():
            warnings.warn(message, PluginWarning, stacklevel=2)

    def _selected(self) -> list[EntryPoint]:
        found, unreadable = entry_points()
        self.plugins.extend(
            Plugin(name, Provider(name), "", f"its entry points cannot be read: {reason}")
            for name, reason in unreadable
        )
        return found

    def _load(self, entry_point: EntryPoint) -> None:
        plugin = Plugin(entry_point.name, provider(entry_point), entry_point.value)
        # One that was set aside does not block the name for another distribution.
        twin = next((p for p in self.plugins if p.name == plugin.name and not p.cause), None)
        self.plugins.append(plugin)
        with KeptState() as state:
            try:
                if twin is not None:
                    raise PluginError(
                        f"entry point '{plugin.name}' is already that of {twin.provider}"
                    )
                self.adopt(plugin, import_plugin(entry_point))
            except PluginError as error:
                plugin.cause = str(error)
        plugin.changed = state.changed
        LOGGER.debug(
            "plugin '%s' of %s: %s", plugin.name, plugin.provider, plugin.cause or "loaded"
        )

    def adopt(self, plugin: Plugin, module: object) -> None:
        """Register a plugin: the hooks it implements, and each component that is valid.

        Raises:
            PluginError: a hook is unknown, fails, or returns something else than components.
        """
        # Before the plugin is registered, since pluggy checks its functions against known hooks.
        self._add_component_hooks()
        hooks = read_hooks(module)
        try:
            self._register(hooks, plugin.key)
            found = [
                (catalogue, component)
                for catalogue in CATALOGUES.values()
                for component in self._call(catalogue, hooks)
            ]
        except PluginError:
            # Otherwise the training hooks of a plugin that was set aside would be called.
            if self.manager.get_plugin(plugin.key) is not None:
                self.manager.unregister(name=plugin.key)
            raise
        kinds = {catalogue.hook for catalogue in CATALOGUES.values()}
        plugin.hooks = sorted(name for name in vars(hooks) if name not in kinds)
        for catalogue, component in found:
            # The meaning of a name must not depend on which of two plugins is newer: the one that
            # has the name keeps it.
            try:
                catalogue.add(component, plugin.provider)
            except (ArgumentError, NameTakenError) as error:
                plugin.faults.append(f"{error}")
                continue
            plugin.components.setdefault(catalogue.kind, []).append(component.name)

    def hook_names(self) -> list[str]:
        """The hooks that a plugin can implement."""
        self._add_component_hooks()
        return [name for name, caller in vars(self.manager.hook).items() if caller.has_spec()]

    def remove(self, plugin: Plugin) -> None:
        """Remove a plugin, its hooks and its components."""
        with self.lock:
            self.plugins.remove(plugin)
            if self.manager.get_plugin(plugin.key) is not None:
                self.manager.unregister(name=plugin.key)
            for kind, names in plugin.components.items():
                for name in names:
                    CATALOGUES[kind].remove(name)

    def _add_component_hooks(self) -> None:
        """Add the hook of every kind, including kinds declared since the last plugin."""
        new = [each for each in CATALOGUES.values() if not hasattr(self.manager.hook, each.hook)]
        if new:
            self.manager.add_hookspecs(hookspecs.component_hooks(new))

    def _register(self, hooks: object, key: str) -> None:
        with attempt(lambda error: f"it cannot be registered: {error}"):
            self.manager.register(hooks, name=key)
        # pluggy accepts functions without the marker and misspelt hooks without a word.
        callers = self.manager.get_hookcallers(hooks) or []
        if not callers:
            raise PluginError(
                "it implements no hook; decorate its functions with restorekit.hookimpl"
            )
        known = self.hook_names()
        for caller in callers:
            if not caller.has_spec():
                raise PluginError(
                    f"unknown hook '{caller.name}'.{did_you_mean(caller.name, known)}"
                )

    def _call(self, catalogue: Catalogue[Record], hooks: object) -> list[Record]:
        implementations = getattr(self.manager.hook, catalogue.hook).get_hookimpls()
        mine = [i.function for i in implementations if i.plugin is hooks]
        return [each for function in mine for each in call_component_hook(function, catalogue)]


_host = _Host()


def discover(plugins: bool) -> None:
    """Load the built-in components, and with `plugins` also the installed plugins, each once."""
    _host.load_builtins()
    if plugins:
        _host.load_plugins()


def loaded_plugins() -> list[Plugin]:
    """Every plugin found, loaded or set aside.

    Example:
        >>> [plugin.cause for plugin in restorekit.loaded_plugins() if plugin.name == "missing"]
        []
    """
    discover(plugins=True)
    return list(_host.plugins)


@contextmanager
def added_plugin(module: object, name: str) -> Iterator[Plugin]:
    """Within the block, a module or an instance is a plugin that is not installed.

    Raises:
        PluginError: it cannot be used, or one of its components.
    """
    discover(plugins=True)
    plugin = Plugin(name, Provider(name), f"{getattr(module, '__name__', type(module).__name__)}")
    _host.plugins.append(plugin)
    try:
        _host.adopt(plugin, module)
        if plugin.faults:
            raise PluginError("; ".join(plugin.faults))
        yield plugin
    finally:
        _host.remove(plugin)


def failures() -> list[str]:
    """The plugins and components that failed so far, one line each."""
    found = ((p, fault) for p in _host.plugins for fault in (p.cause, *p.faults) if fault)
    return [f"{p.name} of {p.provider}: {fault}" for p, fault in found]


def hook_names() -> list[str]:
    """The hooks that a plugin can implement, of every kind."""
    return _host.hook_names()


def implementations(hook: str) -> list[tuple[str, Callable[..., object], Sequence[str]]]:
    """The implementations of a hook: the plugin, its function, and the arguments that it takes."""
    discover(plugins=True)
    labels = {p.key: p.label for p in _host.plugins}
    found = getattr(_host.manager.hook, hook).get_hookimpls()
    return [(labels.get(i.plugin_name, i.plugin_name), i.function, i.argnames) for i in found]


def plugin_in_traceback(frames: Iterable[FrameType]) -> str | None:
    """The plugin whose code runs in the first of some frames that belongs to a plugin."""
    tops = {p.module.partition(":")[0].partition(".")[0]: p for p in _host.plugins if p.module}
    for frame in frames:
        with suppress(Exception):  # reading attributes of foreign objects may fail
            origin = origin_of(frame.f_locals.get("self"))
            if origin is not None and origin.provider.distribution != "restorekit":
                return f"{origin.kind} '{origin.name}' of {origin.provider}"
            plugin = tops.get(str(frame.f_globals.get("__name__")).partition(".")[0])
            if plugin is not None:
                return plugin.label
    return None
