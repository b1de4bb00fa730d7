"""`restorekit sweep`: a run for each combination of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.compare import print_comparison
from restorekit.cli.output import print_error, print_line


def sweep(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="Configuration that the runs share.")
    ],
    settings: Annotated[
        list[str],
        typer.Option(
            "-s", "--set", metavar="KEY=VALUES", help="Values of a key, separated by commas."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Folder of the runs."),
    ] = None,
) -> None:
    """Train a run for each combination of settings, and compare them.

    -s train.learning_rate=1e-4,3e-4 -s train.seed=0,1 makes four runs. Finished runs are skipped
    and interrupted ones resumed. Start the same command several times to share the runs, on several
    GPUs with CUDA_VISIBLE_DEVICES. Without -o the folder is save_weight_path.
    """
    from restorekit.experiments.sweep import sweep as run
    from restorekit.experiments.sweep_grid import read_settings

    outcome = run(
        config,
        read_settings(settings),
        output,
        progress=True,
        report=lambda line: print_line(line),
    )
    if outcome.comparison is not None:
        print_line("")
        print_comparison(outcome.comparison)
    for name in outcome.busy:
        print_line(f"{name}: another process works on it")
    for name, error in outcome.failed.items():
        print_error(f"{name}: {error}")
    raise typer.Exit(outcome.exit_code)
