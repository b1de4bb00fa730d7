"""Checks of an installed plugin: all of its components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from restorekit.components.kinds import REGISTRIES, commands, weights
from restorekit.components.plugin_host import loaded_plugins
from restorekit.components.plugin_record import Plugin
from restorekit.components.targets import import_target
from restorekit.errors import RestoreKitError, UnknownNameError, did_you_mean, message_of
from restorekit.testing.check_functions import results_of
from restorekit.testing.checking import CheckResult
from restorekit.weights import load_model


@dataclass(frozen=True)
class PluginCheck:
    """The result of one check of a component of a plugin.

    Attributes:
        plugin: the name of the plugin.
        kind: the kind of the component; "plugin" for the plugin itself.
        name: the name of the component.
        result: the result.
    """

    plugin: str
    kind: str
    name: str
    result: CheckResult


def check_plugin(name: str | None = None) -> list[PluginCheck]:
    """Check all components of an installed plugin, each with its defaults.

    Args:
        name: the plugin, by the name of its entry point or its distribution; None for all.

    Raises:
        UnknownNameError: no such plugin is installed.

    Example:
        >>> from restorekit.testing import check_plugin
        >>> check_plugin("restorekit-bandign")
        Traceback (most recent call last):
            ...
        restorekit.errors.UnknownNameError: no plugin 'restorekit-bandign' is installed. ...
    """
    plugins = loaded_plugins()
    chosen = [p for p in plugins if name in (None, p.name, p.provider.distribution)]
    if name is not None and not chosen:
        known = [word for p in plugins for word in (p.name, p.provider.distribution)]
        raise UnknownNameError(
            f"no plugin '{name}' is installed.{did_you_mean(name, known)} "
            f"Installed: {', '.join(p.name for p in plugins) or 'none'}"
        )
    return [check for plugin in chosen for check in _checks(plugin)]


def _checks(plugin: Plugin) -> Iterator[PluginCheck]:
    complaint = plugin.complaint
    loaded = CheckResult("loads", "failed" if complaint else "ok", complaint or "")
    yield PluginCheck(plugin.name, "plugin", plugin.name, loaded)
    for kind, names in plugin.components.items():
        for name in names:
            for result in _results(kind, name):
                yield PluginCheck(plugin.name, kind, name, result)


def _weights(name: str) -> CheckResult:
    """Whether trained weights load; those elsewhere are not downloaded."""
    if weights.entry(name).component.is_reference:
        return CheckResult("loads", "not checked", "the file is elsewhere")
    try:
        load_model(name)
    except Exception as error:
        return CheckResult("loads", "failed", f"{type(error).__name__}: {message_of(error)}")
    return CheckResult("loads", "ok")


def _command(name: str) -> CheckResult:
    """Whether a command can be imported."""
    entry = commands.entry(name)
    target = entry.component.target
    try:
        if isinstance(target, str):
            import_target(target, entry.label)
    except RestoreKitError as error:
        return CheckResult("imports", "failed", str(error))
    return CheckResult("imports", "ok")


def _results(kind: str, name: str) -> list[CheckResult]:
    if kind not in REGISTRIES:
        return [_command(name) if kind == commands.kind else _weights(name)]
    try:
        arguments = REGISTRIES[kind].describe(name).arguments
    except RestoreKitError as error:
        return [CheckResult("imports", "failed", str(error))]
    required = [argument.name for argument in arguments if argument.required]
    if required:
        words = f"its argument {', '.join(required)} has no default; check it in a test of its own"
        return [CheckResult("arguments", "not checked", words)]
    return results_of(kind, name)
