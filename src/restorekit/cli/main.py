"""The command line `restorekit`: its commands, and how errors are reported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from restorekit.cli import (
    adapt,
    analyze,
    benchmark,
    check_plugin,
    compare,
    convert,
    denoise,
    describe,
    export,
    info,
    listing,
    new_plugin,
    noise,
    plugins,
    prior_commands,
    push,
    schema,
    sweep,
    train,
    zoo,
)
from restorekit.cli import app as web_page
from restorekit.cli.downloads import downloads_as_lines
from restorekit.cli.error_messages import explain, raised_by, warnings_as_lines
from restorekit.cli.output import print_error, print_line, print_text
from restorekit.cli.quick_commands import QuickCommand, QuickGroup
from restorekit.cli.signals import ending_on_signals
from restorekit.cli.streams import dependable_streams, end_at_once, set_output_aside
from restorekit.components.isolation import watched_interrupts
from restorekit.distributed import has_joined_group
from restorekit.version import __version__

# Plain help, since importing rich for it would dominate the start-up time.
app = typer.Typer(
    cls=QuickGroup,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", cls=QuickCommand)(train.train)
app.command("sweep", cls=QuickCommand)(sweep.sweep)
app.command("adapt", cls=QuickCommand)(adapt.adapt)
app.command("compare", cls=QuickCommand)(compare.compare)
app.command("denoise", cls=QuickCommand)(denoise.denoise)
app.command("deblur", cls=QuickCommand)(prior_commands.deblur)
app.command("upscale", cls=QuickCommand)(prior_commands.upscale)
app.command("inpaint", cls=QuickCommand)(prior_commands.inpaint)
app.command("noise", cls=QuickCommand)(noise.noise)
app.command("analyze", cls=QuickCommand)(analyze.analyze)
app.command("benchmark", cls=QuickCommand)(benchmark.benchmark)
app.command(
    "list",
    cls=QuickCommand,
    help=listing.HELP,
    options_metavar=listing.USAGE,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(listing.listing)
app.command("zoo", cls=QuickCommand)(zoo.zoo)
app.command("describe", cls=QuickCommand)(describe.describe)
app.command("plugins", cls=QuickCommand)(plugins.plugins)
app.command("check-plugin", cls=QuickCommand)(check_plugin.check_plugin)
app.command("new-plugin", cls=QuickCommand)(new_plugin.new_plugin)
app.command("schema", cls=QuickCommand)(schema.schema)
app.command("info", cls=QuickCommand)(info.info)
app.command("convert", cls=QuickCommand)(convert.convert)
app.command("export", cls=QuickCommand)(export.export)
app.command("app", cls=QuickCommand)(web_page.app)
app.command("push", cls=QuickCommand)(push.push)


@app.callback(invoke_without_command=True)
def restorekit(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Train, use and extend neural image denoisers."""
    if version:
        print_line(f"restorekit {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print_text(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after `restorekit`; the process's own if None.

    Returns:
        The exit code: 0; 2 for a mistake of the user; 128 and the number of a signal that ended it,
        130 for Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = _watched(words)
    except KeyboardInterrupt:  # before or after the command itself
        print_error("interrupted")
        code = 130
    # Only as a program: a caller from Python keeps its streams and its process.
    if arguments is None:
        set_output_aside()
        if has_joined_group():
            end_at_once(code)
    return code


def _watched(words: list[str]) -> int:
    """Run a command with its signals, streams and warnings taken care of; the exit code."""
    with (
        dependable_streams(),
        ending_on_signals(),
        warnings_as_lines(),
        downloads_as_lines(),
        watched_interrupts() as interrupted,
    ):
        try:
            code = _run(words)
            # Within the block, so that a full disk or a closed pipe is reported and not lost at
            # exit.
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
            code = 128 + 13  # the code of a shell for a program that SIGPIPE has ended
        except BaseException as error:
            code = _told(error, interrupted())
    return code


def _told(error: BaseException, interrupted: bool) -> int:
    """Tell of what ended a command; the exit code."""
    # A Ctrl-C can arrive while code of a plugin runs, which is not at fault.
    who = None if interrupted else raised_by(error)
    if isinstance(error, KeyboardInterrupt) and who is None:
        print_error("interrupted")
        return 130
    lines = explain(error, who)
    # A bug of restorekit: its traceback is needed for a report.
    if lines is None:
        raise error
    for line in lines:
        print_error(line)
    return 2


def _run(words: list[str]) -> int:
    # The main function of typer is not used, since it would print a box around each error.
    command = typer.main.get_command(app)
    try:
        with command.make_context("restorekit", words) as context:
            command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort:  # no answer to a question
        print_error("aborted")
        return 1
    return 0
