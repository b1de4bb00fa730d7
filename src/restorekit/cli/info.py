"""`restorekit info`: what a weights file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.output import Json, in_words, print_json, print_line, print_table


def info(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="Name of weights (see `restorekit list weights`), a file or a run folder.",
        ),
    ],
    as_json: Json = False,
    credits: Annotated[
        bool, typer.Option("--credits", help="Print the authors of the training data.")
    ] = False,
) -> None:
    """Show the model card of a weights file.

    It contains the architecture with its arguments and provider, the training data and the quality
    of the results.
    """
    from restorekit.cli.weights_display import print_credits, print_model_card
    from restorekit.weights import find_weights, read_card

    path = find_weights(checkpoint)
    card = read_card(path)
    if credits:
        print_credits(path, card)
    elif as_json:
        print_json(card)
    elif "summary" in card:
        print_model_card(path, card)
    else:
        print_line(str(path))
        print_table((key, in_words(value)) for key, value in card.items())
