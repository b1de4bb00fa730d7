"""Messages for errors and warnings, one line each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb, walk_tb
from typing import Any

from restorekit.cli.output import print_labelled
from restorekit.components.isolation import describe_cause
from restorekit.errors import (
    ConfigError,
    OldSpellingWarning,
    PluginWarning,
    RestoreKitError,
    RestoreWarning,
    did_you_mean,
)
from restorekit.memory import is_out_of_memory

_TOLD = (PluginWarning, OldSpellingWarning, RestoreWarning)


def explain(error: BaseException, who: str | None = None) -> list[str] | None:
    """The lines of an error message for the user; None if the error is a bug of restorekit.

    Args:
        error: what was raised.
        who: the code of others that raised it, as by `raised_by`.
    """
    if isinstance(error, ConfigError):
        return error.lines()
    if isinstance(error, RestoreKitError):
        return [str(error)]
    # Before OSError: a failure inside a plugin is not one of the user's files.
    if who is not None:
        return [f"{who} raised {describe_cause(error)}"]
    if isinstance(error, OSError):
        reason = (error.strerror or str(error) or type(error).__name__).lower()
        return [f"{error.filename}: {reason}" if error.filename is not None else reason]
    if is_out_of_memory(error):
        return [f"not enough memory: {describe_cause(error)}"]
    if hasattr(error, "format_message"):  # of typer; the class has moved between its versions
        return [_usage_fault(error)]
    if not isinstance(error, Exception):  # a SystemExit of a plugin could have exit code 0
        return [f"ended by {describe_cause(error)}"]
    return None


def raised_by(error: BaseException) -> str | None:
    """The component or plugin whose code raised an error, and the line; None if none did.

    With RESTOREKIT_STRICT_PLUGINS=1 none is named, for its author wants the whole traceback.
    """
    from restorekit.components.plugin_host import plugin_in_traceback

    if error.__traceback__ is None or os.environ.get("RESTOREKIT_STRICT_PLUGINS") == "1":
        return None
    # From the innermost: a plugin that is called by another one is at fault itself.
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if (who := plugin_in_traceback(reversed(frames))) is None:
        return None
    place = extract_tb(error.__traceback__)[-1]
    return f"{who} ({Path(place.filename).name}, line {place.lineno})"


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Within the block, warnings are a line each on stderr, and restorekit's own always shown."""
    with warnings.catch_warnings():
        for category in _TOLD:
            # By default Python shows a warning once for each line of code, not for each picture.
            warnings.simplefilter("always", category)

        def show_line(message: Warning | str, *_: object, **__: object) -> None:
            print_labelled("warning", str(message))

        warnings.showwarning = show_line
        yield


def _usage_fault(error: Any) -> str:
    """A mistake in the words of the command line, with the nearest right one or where to look."""
    context = getattr(error, "ctx", None)
    if context is not None and hasattr(error, "option_name") and hasattr(error, "possibilities"):
        options = [o for p in context.command.params for o in (*p.opts, *p.secondary_opts)]
        near = did_you_mean(error.option_name, options)
        text = f"no such option '{error.option_name}'.{near}"
    else:
        text = " ".join(error.format_message().split())
        text = text[:1].lower() + text[1:]
    if context is None or "Did you mean" in text:
        return text
    return f"{text.rstrip('.')}. See '{context.command_path} --help'"
