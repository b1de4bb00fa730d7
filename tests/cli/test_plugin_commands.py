"""Subcommands of plugins: in the help, imported when they are called, faults in one line."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from restorekit import Component, PluginError, hookimpl
from restorekit.cli.main import app
from restorekit.components import builtin_commands
from restorekit.testing import temporary_plugin
from tests.components.plugin_site import HEAD, Site


class Plugin:
    """A plugin with these commands."""

    def __init__(self, *components: Component) -> None:
        self.components = components

    @hookimpl
    def restorekit_commands(self) -> list[Component]:
        return list(self.components)


def greet(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    times: Annotated[int, typer.Option("--times", min=1)] = 1,
) -> None:
    """Greet somebody."""
    for _ in range(times):
        typer.echo(f"hello {name}")
    raise typer.Exit(3 if name == "nobody" else 0)


def test_a_command_runs_with_its_options(run: Any) -> None:
    """Its output is the answer of the command line, and its exit code that of the process."""
    with temporary_plugin(Plugin(Component("say_hello", greet, "Greet."))):
        outcome = run("say-hello", "you", "--times", 2)
        assert (outcome.code, outcome.out, outcome.err) == (0, "hello you\nhello you\n", "")
        assert run("say-hello", "nobody").code == 3
        shown = run("--help").out
        assert shown.splitlines()[-1].split() == ["say-hello", "Greet."]
        own = run("say-hello", "--help").out
        assert "Greet somebody." in own
        assert "--times" in own
    assert "say-hello" not in run("--help").out


def test_mistakes_of_the_user_are_lines(refused: Callable[..., str]) -> None:
    """As of built-in commands: a missing argument, a wrong option, a misspelt command."""
    with temporary_plugin(Plugin(Component("say_hello", greet, "Greet."))):
        assert "missing argument 'NAME'" in refused("say-hello").lower().replace("name", "NAME")
        assert "Did you mean '--times'?" in refused("say-hello", "you", "--tmes", 2)
        assert refused("say-helo") == "no such command 'say-helo'. Did you mean 'say-hello'?"


def test_an_app_brings_several_commands(run: Any) -> None:
    group = typer.Typer(rich_markup_mode=None)
    group.command("greet")(greet)
    group.command("other")(lambda: typer.echo("other"))
    with temporary_plugin(Plugin(Component("acme", group, "Tools of Acme."))):
        assert run("acme", "greet", "you").out == "hello you\n"
        assert run("acme", "other").out == "other\n"
        assert "greet" in run("acme", "--help").out


def test_a_built_in_command_cannot_be_replaced() -> None:
    """The list of their names is complete, so that none can be taken."""
    declared = {each.name for each in builtin_commands.restorekit_commands()}
    assert declared == {str(each.name).replace("-", "_") for each in app.registered_commands}
    with (
        pytest.raises(PluginError, match=r"command .train. of .* is already provided"),
        temporary_plugin(Plugin(Component("train", greet))),
    ):
        pass


def fail() -> None:
    """Fail."""
    raise KeyError("depth")


def unreadable(image: int | list[str]) -> None:
    """Its argument has a type that no command line can give."""


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_module:run", "command 'broken' of .* cannot be imported from no_such_module:run"),
        (unreadable, "command 'broken' of .* cannot be used: "),
    ],
)
def test_a_broken_command_is_named_in_one_line(
    run: Any, refused: Callable[..., str], target: Any, said: str
) -> None:
    """The help shows it and works; calling it is an error."""

    with temporary_plugin(Plugin(Component("broken", target, "Broken."))):
        assert "broken" in run("--help").out
        assert re.search(said, refused("broken"))


def confirm() -> None:
    """Ask."""
    typer.confirm("Go on?", abort=True)


def leave(code: str) -> None:
    """End the process."""
    sys.exit({"0": 0, "3": 3, "none": None}.get(code, code))


def test_a_command_may_end_itself(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a question that is not answered with yes, or by sys.exit."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with temporary_plugin(Plugin(Component("confirm", confirm), Component("leave", leave))):
        asked = run("confirm")
        assert (asked.code, asked.err) == (1, "error: aborted\n")
        for word, code in (("0", 0), ("none", 0), ("3", 3)):
            left = run("leave", word)
            assert (left.code, left.err) == (code, "")
        left = run("leave", "no device")
        assert (left.code, left.err) == (1, "error: no device\n")


PLUGIN = (
    HEAD
    + """
@hookimpl
def restorekit_commands():
    return [
        Component("heavy", "heavy_commands:run", "Heavy."),
        Component("failing", "heavy_commands:fail", "Failing."),
    ]
"""
)
HEAVY = """
import torch
def run(): print("ran")
def fail(): raise KeyError("depth")
"""
USE = """
import contextlib, io, json, sys
from restorekit.cli.main import main
def said(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        return main(words), out.getvalue()
builtin = said("plugins", "--help")[0], "heavy_module" in sys.modules
shown = said("--help")[1], "heavy_commands" in sys.modules
print(json.dumps([builtin, shown, said("heavy"), said("failing")]))
"""


def test_a_command_is_imported_when_it_is_called(tmp_path: Path) -> None:
    """Not by the help; and built-in commands need no plugin at all."""
    site = Site(tmp_path)
    site.add("heavy", PLUGIN)
    (tmp_path / "heavy_commands.py").write_text(HEAVY)
    builtin, (shown, imported), ran, failed = site.run(USE)
    assert builtin == [0, False]
    assert "Heavy." in shown
    assert not imported
    assert ran == [0, "ran\n"]
    assert failed[0] == 2
    assert failed[1].startswith("error: ")
    assert "KeyError: 'depth'" in failed[1]
    assert failed[1].count("\n") == 1
