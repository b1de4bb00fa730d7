"""Commands of plugins: named in the help without being imported, imported when they are called."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Any

import typer
from typer.core import TyperCommand

from restorekit.cli.output import print_error
from restorekit.components.component_records import Component, RegistryEntry
from restorekit.components.discovery import discover
from restorekit.components.isolation import attempt, describe_cause
from restorekit.components.kinds import commands
from restorekit.components.targets import import_target
from restorekit.errors import PluginError, RestoreKitError

_OWN = "restorekit"
_STRICT = "RESTOREKIT_STRICT_PLUGINS"


def plugin_commands() -> dict[str, RegistryEntry]:
    """The commands of plugins, by the word that is typed: the name with dashes."""
    discover(plugins=True)
    return {
        entry.component.name.replace("_", "-"): entry
        for entry in commands.loaded()
        if entry.provider.distribution != _OWN
    }


def stub_of(word: str, component: Component) -> TyperCommand:
    """A command for the list of commands, with its summary."""
    return TyperCommand(word, help=component.summary, rich_markup_mode=None)


def command_of(word: str, entry: RegistryEntry) -> Any:
    """The command itself: of a function with typer's annotations, or of a `typer.Typer`.

    Raises:
        PluginError: it cannot be imported, or its parameters cannot be read.
    """
    target: Any = entry.component.target
    if isinstance(target, str):
        target = import_target(target, entry.label)
    with attempt(lambda error: f"{entry.label} cannot be used: {error}", RestoreKitError):
        app = target
        if not isinstance(app, typer.Typer):
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(word, help=None if target.__doc__ else entry.component.summary)(target)
        command: Any = typer.main.get_command(app)
    command.name = word
    command.invoke = partial(_run, command.invoke, entry.label)
    return command


def _run(invoke: Callable[[Any], object], label: str, context: Any) -> object:
    """Run a command of a plugin; an error in its code names it.

    The command may end itself, by `sys.exit` too, or be aborted at a question.
    """
    try:
        return invoke(context)
    except (RestoreKitError, KeyboardInterrupt, BrokenPipeError, typer.Exit, typer.Abort):
        raise
    except SystemExit as end:
        raise typer.Exit(_exit_code(end.code)) from end
    except BaseException as error:
        # Mistakes in the words of the command line are not of the plugin.
        if hasattr(error, "format_message") or os.environ.get(_STRICT) == "1":
            raise
        place = extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        raise PluginError(f"{label} raised {describe_cause(error)} ({where})") from error


def _exit_code(given: object) -> int:
    """The exit code of `sys.exit(given)`; a text is a message."""
    if given is None or isinstance(given, int):
        return given or 0
    print_error(str(given))
    return 1
