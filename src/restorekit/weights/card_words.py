"""What a card says, in words."""

from __future__ import annotations

from collections.abc import Mapping

from restorekit.weights.card_fields import WeightsCard


def in_words(value: object) -> str:
    """A value in one line: a component as it would be called, numbers with their thousands."""
    if isinstance(value, Mapping) and "name" in value:
        by = f"{value.get('provider', '')} {value.get('version', '')}".strip()
        return call_text(value) + (f" of {by}" if by else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {in_words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        texts = any(isinstance(item, str) for item in value)  # which may hold commas
        return ("; " if texts else ", ").join(map(in_words, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def call_text(made: Mapping[str, object]) -> str:
    """A component as it would be called: "dncnn(depth=20)"."""
    name = made["name"] or made.get("class", "?")
    arguments = made.get("arguments")
    if not isinstance(arguments, Mapping):
        arguments = {k: v for k, v in made.items() if k not in ("name", "provider", "version")}
    return f"{name}({', '.join(f'{key}={in_words(item)}' for key, item in arguments.items())})"


def released_facts(card: WeightsCard) -> dict[str, str]:
    """The facts of a card that a release has, by their labels, in the order to show them."""
    facts: dict[str, object] = {
        "for": card.get("purpose"),
        "noise": card.get("noise_range"),
        "network": call_text(card["model"]),
        "parameters": f"{card['parameters']:,}",
        "trained on": card.get("training_data"),
        "its licences": card.get("licenses"),
        "licence": card.get("license"),
        "recipe": card.get("recipe"),
        "limits": card.get("limits"),
    }
    return {label: in_words(value) for label, value in facts.items() if value}


def figures(psnr: Mapping[str, object]) -> list[tuple[str, str, object]]:
    """Test set, noise and PSNR of each figure of a card; a plain number has no noise."""
    return [
        (name, noise, value)
        for name, row in psnr.items()
        for noise, value in (row if isinstance(row, Mapping) else {"": row}).items()
    ]
