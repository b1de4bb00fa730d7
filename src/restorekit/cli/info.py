"""`restorekit info`: what a weights file says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from restorekit.cli.output import Json, print_json, print_table


def info(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="The name of weights (see `restorekit list weights`), a file or a run's folder.",
        ),
    ],
    as_json: Json = False,
    credits: Annotated[
        bool, typer.Option("--credits", help="Print the authors of the training data.")
    ] = False,
) -> None:
    """Show what a weights file says of itself.

    Its architecture with arguments and provider, what it was trained on, and how good it was.
    """
    from restorekit.cli.weights import print_credits, print_model_card
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
        print(path)
        print_table((key, _shown(value)) for key, value in card.items())


def _shown(value: Any) -> str:
    """A value in one line: a component as it would be called, numbers with their thousands."""
    if isinstance(value, Mapping) and "name" in value:
        return _called(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _called(made: Mapping[str, Any]) -> str:
    name = made["name"] or made.get("class", "?")
    arguments = made.get("arguments")
    if not isinstance(arguments, Mapping):
        arguments = {k: v for k, v in made.items() if k not in ("name", "provider", "version")}
    inside = ", ".join(f"{key}={_shown(item)}" for key, item in arguments.items())
    by = f"{made.get('provider', '')} {made.get('version', '')}".strip()
    return f"{name}({inside})" + (f" of {by}" if by else "")
