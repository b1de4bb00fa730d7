"""Commands of typer that run without importing pydantic.

typer converts the value of every argument with pydantic, whose import takes as long as all the rest
of `restorekit list`. It does so even for a --help that was not given, unless that has a default.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from restorekit.cli.plugin_commands import command_of, plugin_commands, stub_of
from restorekit.cli.streams import answers_apart
from restorekit.errors import ArgumentError, did_you_mean


class QuickCommand(TyperCommand):
    """A command whose help option has a default, and that alone writes to standard output."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with answers_apart():
            return super().invoke(ctx)

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, False where it is not given."""
        return _with_default(super().get_help_option(ctx))


class QuickGroup(TyperGroup):
    """A group of commands whose help option has a default."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, False where it is not given."""
        return _with_default(super().get_help_option(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command for the first word.

        Raises:
            ArgumentError: the command is unknown; the message suggests the closest one.
        """
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        found = plugin_commands()
        if (entry := found.get(args[0])) is not None:
            return args[0], command_of(args[0], entry), args[1:]
        # The suggestion of typer has another form in each of its versions.
        known = [*self.commands, *found]
        hint = did_you_mean(args[0], known) or f" See '{ctx.command_path} --help'"
        raise ArgumentError(f"no such command '{args[0]}'.{hint}")

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands for the help: the built-in ones, then those of plugins by name."""
        return [*super().list_commands(ctx), *sorted(plugin_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command for the help; one of a plugin is not imported."""
        found = super().get_command(ctx, cmd_name)
        if found is None and (entry := plugin_commands().get(cmd_name)) is not None:
            return stub_of(cmd_name, entry.component)
        return found


def _with_default(option: Any) -> Any:
    if option is not None:
        option.default = False
    return option
