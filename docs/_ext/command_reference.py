"""The reference of the command line, from the same declarations as `--help`."""

from __future__ import annotations

import inspect
from typing import Any

import typer

from restorekit.cli.main import app


def command_line() -> str:
    """Return every command with its arguments and options as Markdown."""
    group: Any = typer.main.get_command(app)
    program = typer.Context(group, info_name="restorekit")
    return "\n".join(_section(name, each, program) for name, each in group.commands.items())


def _section(name: str, command: Any, program: typer.Context) -> str:
    context = typer.Context(command, info_name=name, parent=program)
    usage = " ".join(command.collect_usage_pieces(context))
    records = [each.get_help_record(context) for each in command.get_params(context)]
    rows = [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in filter(None, records)]
    parts = [f"## restorekit {name}\n", f"```text\nrestorekit {name} {usage}\n```\n"]
    parts += [_prose(command.help or "") + "\n", "| argument | meaning |", "| --- | --- |", *rows]
    return "\n".join(parts) + "\n"


def _prose(text: str) -> str:
    """The help of a command without the marks of its layout."""
    return inspect.cleandoc(text).replace("\b\n", "").replace("\f", "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
