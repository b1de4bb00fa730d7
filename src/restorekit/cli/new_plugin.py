"""`restorekit new-plugin`: write a plugin package to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.output import print_line


def new_plugin(
    name: Annotated[str, typer.Argument(help="Its name, for example acme: restorekit-acme.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The folder in which that of the package is made."),
    ] = Path(),
) -> None:
    """Write a plugin package that works, with tests and workflows, as a start for your own.

    It has a noise, an architecture with weights, a loss, tests, and workflows for tests and for
    trusted publishing. An existing folder is not overwritten.
    """
    from restorekit.scaffold.write_package import write_package

    folder = write_package(name, output)
    print_line(f"{folder}: pip install -e '{folder}[test]', then pytest {folder}")
