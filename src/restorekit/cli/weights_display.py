"""Weights by name for people: their rows in a listing, and a model card to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restorekit.cli.output import call_text, in_words, print_line, print_table, print_text
from restorekit.errors import CheckpointError
from restorekit.weights import list_weights, named_weights, read_card


def listed_weights(pattern: str) -> list[dict[str, Any]]:
    """What a listing says of each of the weights that match a pattern; damaged ones, too."""
    files = named_weights()
    return [_listed(name, files[name]) for name in list_weights(pattern)]


def weights_row(listed: Mapping[str, Any]) -> tuple[str, str]:
    """A line of the listing: the name, what it is for, the noise that it was trained for."""
    facts = [listed["summary"] or f"{listed['architecture']}", listed["noise_range"]]
    return listed["name"], "; ".join(fact for fact in facts if fact)


def print_model_card(path: Path, card: Mapping[str, Any]) -> None:
    """The card of released weights, to be read from top to bottom."""
    print_line(f"{path.stem}: {card['summary']}")
    rows = {
        "for": card.get("purpose"),
        "noise": card.get("noise_range"),
        "network": call_text(card["model"]),
        "parameters": f"{card['parameters']:,}",
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
        "trained on": card.get("training_data"),
        "its licences": card.get("licenses"),
        "licence": card.get("license"),
        "recipe": card.get("recipe"),
        "limits": card.get("limits"),
        "file": str(path),
    }
    print_table((label, in_words(value)) for label, value in rows.items() if value)
    if isinstance(card.get("psnr"), Mapping):
        print_text("\nPSNR (dB)")
        print_table(_psnr_rows(card["psnr"]))
        if card.get("measured"):
            print_line(f"  {card['measured']}")
    if card.get("credits"):
        print_text("\nThe authors of the training data: --credits")


def print_credits(path: Path, card: Mapping[str, Any]) -> None:
    """The text beside the weights that names the authors of their training data.

    Raises:
        CheckpointError: the card names none, or it is not there.
    """
    name = card.get("credits")
    if not isinstance(name, str):
        raise CheckpointError(f"{path}: its card names no credits")
    text = path.parent / Path(name).name
    if not text.is_file():
        raise CheckpointError(f"{path}: its credits, {text.name}, are not beside it")
    print_text(text.read_text(encoding="utf-8").rstrip())


def _listed(name: str, path: Path) -> dict[str, Any]:
    listed: dict[str, Any] = {"name": name, "file": str(path)}
    try:
        card = read_card(path)
    except CheckpointError as error:
        damaged = {"summary": f"damaged: {error}", "noise_range": "", "architecture": None}
        return {**listed, **damaged, "parameters": None, "bytes": path.stat().st_size}
    return {
        **listed,
        "summary": card.get("summary", ""),
        "noise_range": card.get("noise_range", ""),
        "architecture": card["model"]["name"],
        "parameters": card["parameters"],
        "bytes": path.stat().st_size,
    }


def _psnr_rows(psnr: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each noise of each test set; a plain number has no noise."""
    return [
        (name, noise, _number(value))
        for name, row in psnr.items()
        for noise, value in (row if isinstance(row, Mapping) else {"": row}).items()
    ]


def _number(cell: Any) -> str:
    return "" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell)
