"""`restorekit convert`: published checkpoints as weights that describe themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.output import print_line


def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A state dict of DnCNN or FFDNet.")
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="The file to write, OUT.safetensors.")
    ],
    license: Annotated[
        str | None,
        typer.Option("--license", metavar="TEXT", help="Under which the weights were published."),
    ] = None,
) -> None:
    """Convert a published checkpoint to safetensors with a card.

    Architecture, depth, width and channels are recognised from the checkpoint's own keys and
    shapes. Nothing in it is executed: a pickled module is refused.
    """
    from restorekit.weights import convert
    from restorekit.weights.foreign_checkpoints import UNKNOWN_LICENSE

    found = convert(checkpoint, output, license)
    inside = ", ".join(f"{key}={value}" for key, value in found.arguments.items())
    print_line(f"{output}: {found.architecture}({inside}), from {found.layout}")
    if license is None:
        print_line(f"its card says '{UNKNOWN_LICENSE}'; --license says which it is")
