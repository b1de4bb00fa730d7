"""`restorekit plugins`: what was found, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from restorekit.components.plugin_record import Plugin


def plugins(as_json: Json = False) -> None:
    """List the installed plugins, with the reason for those that are set aside.

    RESTOREKIT_PLUGINS limits which distributions are loaded ("" loads none, "a,b" only these two).
    With RESTOREKIT_STRICT_PLUGINS=1 a plugin that cannot be used is an error.
    """
    from restorekit.components.plugin_host import loaded_plugins

    found = loaded_plugins()
    if as_json:
        print_json({"plugins": [_as_json(plugin) for plugin in found]})
    elif not found:
        print_line("no plugins")
    else:
        print_table([(p.name, str(p.provider), _state(p)) for p in found], indent="")


def _state(plugin: Plugin) -> str:
    if plugin.cause is not None:
        return f"set aside: {plugin.cause}"
    brought = [f"{kind} {name}" for kind, names in plugin.components.items() for name in names]
    if plugin.hooks:  # a plugin may bring callbacks alone
        brought.append(f"hooks {' '.join(plugin.hooks)}")
    aside = "".join(f"; set aside: {fault}" for fault in plugin.faults)
    undone = f"; undone: it changed {', '.join(plugin.changed)}" if plugin.changed else ""
    return f"loaded: {', '.join(brought) or 'no components'}{aside}{undone}"


def _as_json(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.provider.distribution,
        "version": plugin.provider.version,
        "module": plugin.module,
        "status": "loaded" if plugin.cause is None else "set aside",
        "cause": plugin.cause,
        "components": plugin.components,
        "hooks": plugin.hooks,
        "set_aside": plugin.faults,
        "changed": plugin.changed,
    }
