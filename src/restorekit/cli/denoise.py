"""`restorekit denoise`: pictures through a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.pictures import OUTPUT, Inputs, process
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.restore.batch import Plan


def denoise(
    inputs: Inputs,
    model: Annotated[
        str, typer.Option("-m", "--model", metavar="MODEL", help="Weights, or a run's folder.")
    ],
    output: Annotated[str | None, OUTPUT] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Overwrite the pictures with the results.")
    ] = False,
) -> None:
    """Restore pictures, or whole folders of them.

    A picture that cannot be restored does not stop the others.
    """
    if in_place == (output is not None):
        raise ArgumentError("give an output with -o, or --in-place" + " (not both)" * in_place)
    from restorekit.restore.batch import plan_outputs
    from restorekit.restore.denoiser import Denoiser

    plan = _in_place(inputs) if output is None else plan_outputs(inputs, output)
    process(plan, Denoiser(model, device=device), "denoising", overwrite_input=in_place)


def _in_place(inputs: Sequence[Path]) -> Plan:
    from restorekit.restore.batch import plan_outputs

    return list(dict(pair for given in inputs for pair in plan_outputs([given], given)).items())
