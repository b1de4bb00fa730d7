"""`restorekit convert`: published checkpoints as weights that describe themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.output import print_line


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Published state dict, such as net.pth.")
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write, OUT.safetensors.")
    ],
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
) -> None:
    """Convert a published checkpoint to safetensors with a card.

    Architecture, depth, width and channels are recognised from the keys and shapes of the
    checkpoint. Code in it is never executed, and a pickled module is refused.
    """
    from restorekit.weights import convert_weights
    from restorekit.weights.foreign_checkpoints import UNKNOWN_LICENSE

    found = convert_weights(checkpoint, output, license, layout)
    inside = ", ".join(f"{key}={value}" for key, value in found.arguments.items())
    print_line(f"{output}: {found.architecture}({inside}), from {found.layout}")
    if license is None:
        print_line(f"the licence on its card is '{UNKNOWN_LICENSE}'; set it with --license")
