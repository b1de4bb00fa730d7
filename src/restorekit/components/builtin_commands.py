"""The names of the built-in commands, which no plugin can take. `cli/main.py` has the commands."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl

_NAMES = (
    *("train", "sweep", "compare", "denoise", "noise", "analyze", "benchmark", "list", "describe"),
    *("plugins", "check_plugin", "new_plugin", "schema", "info", "convert", "export", "app"),
    *("deblur", "upscale", "inpaint"),
    "push",
    "adapt",
    "zoo",
)


@hookimpl
def restorekit_commands() -> list[Component]:
    return [Component(name, "restorekit.cli.main:main") for name in _NAMES]
