"""`restorekit convert`: published checkpoints as weights that describe themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.options import ReplaceFile
from restorekit.cli.output import print_line
from restorekit.cli.output_files import check_may_write
from restorekit.errors import ArgumentError

_SUFFIX = ".safetensors"


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Published state dict, such as net.pth.")
    ],
    output: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUTPUT]", help="File to write; CHECKPOINT with the suffix .safetensors."
        ),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option("--license", metavar="TEXT", help="Licence of the published weights."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            "--layout",
            metavar="NAME",
            help="Its layout, as in `restorekit list layouts`, where several fit.",
        ),
    ] = None,
    overwrite: ReplaceFile = False,
) -> None:
    """Convert a published checkpoint to safetensors with a card.

    Architecture, depth, width and channels are recognised from the keys and shapes of the
    checkpoint. Code in it is never executed, and a pickled module is refused.
    """
    target = checkpoint.with_suffix(_SUFFIX) if output is None else output
    if target.suffix.lower() != _SUFFIX and target != checkpoint:
        raise ArgumentError(
            f"'{target}': the result is a safetensors file; name it '{target.with_suffix(_SUFFIX)}'"
        )
    check_may_write(target, overwrite, source=checkpoint)
    from restorekit.weights import convert_weights
    from restorekit.weights.foreign_checkpoints import UNKNOWN_LICENSE

    found = convert_weights(checkpoint, target, license, layout)
    inside = ", ".join(f"{key}={value}" for key, value in found.arguments.items())
    print_line(f"{target}: {found.architecture}({inside}), from {found.layout}")
    if license is None:
        print_line(f"the licence on its card is '{UNKNOWN_LICENSE}'; set it with --license")
