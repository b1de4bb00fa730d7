"""`restorekit info`: the card of a weights file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_line, print_table, print_text
from restorekit.weights.card_words import figures, in_words, released_facts

if TYPE_CHECKING:
    from restorekit.weights import WeightsCard


def info(
    checkpoint: Annotated[
        str,
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
    from restorekit.weights import find_weights, read_card
    from restorekit.weights.weights_listing import read_credits

    path, card = find_weights(checkpoint), read_card(checkpoint)
    if credits:
        print_text(read_credits(checkpoint))
    elif as_json:
        print_json(card)
    # Only released weights have one.
    elif "summary" in card:
        _print_released(path.stem if Path(checkpoint).exists() else checkpoint, path, card)
    else:
        print_line(str(path))
        print_table((key, in_words(value)) for key, value in card.items())


def _print_released(name: str, path: Path, card: WeightsCard) -> None:
    """The card of released weights, with a table of its results."""
    print_line(f"{name}: {card['summary']}")
    facts = released_facts(card)
    facts |= {"size": f"{path.stat().st_size / 1e6:.1f} MB", "file": str(path)}
    print_table(facts.items())
    if isinstance(card.get("psnr"), Mapping):
        print_text("\nPSNR (dB)")
        print_table((name, noise, _number(value)) for name, noise, value in figures(card["psnr"]))
        if card.get("measured"):
            print_line(f"  {card['measured']}")
    if card.get("credits"):
        print_text("\nThe authors of the training data: --credits")


def _number(cell: object) -> str:
    return "" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell)
