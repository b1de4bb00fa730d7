"""`restorekit push`: publish weights with a model card."""

from __future__ import annotations

from typing import Annotated

import typer

from restorekit.cli.output import print_line


def push(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Run folder, weights file, or name of weights.")
    ],
    where: Annotated[
        str, typer.Argument(metavar="WHERE", help="hf-hub:USER/NAME[@BRANCH] or local-dir:FOLDER.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files in the folder.")
    ] = False,
) -> None:
    """Publish weights and a model card (README.md) on the Hugging Face Hub, or in a folder.

    The model card is written from the card and metrics of the weights. Absolute paths of this
    machine are not published. The token of `hf auth login` is used.
    """
    from restorekit.weights.publishing import push_weights

    print_line(push_weights(run, where, private=private, overwrite=overwrite))
