"""`restorekit compare`: training runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import Json
from restorekit.cli.output import print_blocks, print_json

if TYPE_CHECKING:
    from restorekit.experiments.comparison import RunComparison


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs, or folders of these.")
    ],
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the validations.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare training runs: metrics, steps, time, parameters, and what differs.

    A metric is the best value of all validations, and in brackets the last one. Runs that differ in
    the seed alone are one row, with mean and standard deviation. A table that is wider than the
    terminal is divided into blocks, and long values are cut; --json has everything.
    """
    from restorekit.experiments.compare_runs import compare_runs

    compared = compare_runs(runs, plot=plot)
    if as_json:
        print_json(compared.as_dict())
    else:
        print_comparison(compared)


def print_comparison(compared: RunComparison) -> None:
    """Print the table of a comparison."""
    print_blocks(compared.rows())
