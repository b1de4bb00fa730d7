"""`restorekit check-plugin`: whether the components of plugins keep to their contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from restorekit.testing.plugin_checks import PluginCheck

FAILED = 1  # the exit code, since 2 is that of a mistake


def check_plugin(
    name: Annotated[
        str | None,
        typer.Argument(help="The plugin, by its name or its distribution; all if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the components of an installed plugin, each with its default arguments.

    The checks are those of `restorekit.testing`. The exit code is 1 if a contract is broken.
    """
    from restorekit.testing.plugin_checks import check_plugin

    found = check_plugin(name)
    failures = [each for each in found if each.result.result == "failed"]
    if as_json:
        print_json({"checks": [_as_json(each) for each in found], "failed": len(failures)})
    elif not found:
        print_line("no plugins")
    else:
        print_table([("component", "check", "result", "reason"), *map(_row, found)], indent="")
        print_line(f"{len(found)} checks, {len(failures)} failed")
    if failures:
        raise typer.Exit(FAILED)


def _row(each: PluginCheck) -> tuple[str, str, str, str]:
    return f"{each.kind} {each.name}", each.result.check, each.result.result, each.result.reason


def _as_json(each: PluginCheck) -> dict[str, object]:
    return {
        "plugin": each.plugin,
        "kind": each.kind,
        "name": each.name,
        "check": each.result.check,
        "result": each.result.result,
        "reason": each.result.reason,
    }
