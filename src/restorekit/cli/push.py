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

    The model card is written from the card and metrics of the weights. Paths of this machine are
    replaced by their last part: values that begin with one below dataset, path, root, folder, dir,
    file and weights, and words in other text. They are absolute with at least two parts, or begin
    with ~/, a drive letter, two backslashes or file://. The token of `hf auth login` is used.
    """
    from restorekit.weights.publishing import push_weights

    print_line(push_weights(run, where, private=private, overwrite=overwrite))
