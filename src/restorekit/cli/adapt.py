"""`restorekit adapt`: trained weights made to fit noisy pictures, without clean ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.denoise_options import Model
from restorekit.cli.options import Device, Inputs
from restorekit.cli.output import print_line


def adapt(
    inputs: Inputs,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder of the weights.")
    ],
    model: Model = "auto",
    objective: Annotated[
        str | None,
        typer.Option("--objective", metavar="NAME", help="How to learn; chosen if left out."),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, metavar="N", help="The most time to train.")
    ] = 5.0,
    device: Device = "auto",
) -> None:
    """Adapt trained weights to noisy pictures, from these pictures alone.

    A part of the pictures is held out; the weights are kept that do better there, the adapted ones
    or those from the start. Use them with: restorekit denoise -m FOLDER. It stops by itself.
    """
    from restorekit.components.expressions import parse_expression
    from restorekit.operations.adapt import adapt as run

    written = None if objective is None else parse_expression(objective)
    outcome = run(
        inputs,
        output,
        model,
        objective=None if written is None else {"name": written.name, **written.arguments},
        minutes=minutes,
        device=device,
        progress=True,
    )
    kept = f"adapted, step {outcome.step}" if outcome.is_better else f"{outcome.start} as it was"
    print_line(f"weights: {outcome.folder} ({kept}; {outcome.objective}, {outcome.losses})")
    raise typer.Exit(outcome.exit_code)
