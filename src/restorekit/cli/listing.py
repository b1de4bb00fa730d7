"""`restorekit list`: the components by name."""

from __future__ import annotations

from typing import Any

import typer

from restorekit.cli.output import Json, print_json, print_table
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.registry import REGISTRIES, Entry, Kind

PLURALS: dict[str, Kind] = {
    "models": "model",
    "noises": "noise",
    "losses": "loss",
    "datasets": "dataset",
    "estimators": "estimator",
}
USAGE = f"[{'|'.join(PLURALS)}] [PATTERN] [--json]"


def listing(context: typer.Context, as_json: Json = False) -> None:
    """List models, noises, losses, datasets and estimators.

    All kinds, or the one that is named; all of its names, or those that match a pattern such
    as 'unet*'. Plugins' components are listed with the plugin that provides them.
    """
    # Declared arguments would make typer import pydantic, which doubles the time this takes.
    kind, pattern = _read(context.args)
    listed = {
        plural: [REGISTRIES[kind_].entry(name) for name in REGISTRIES[kind_].names(pattern)]
        for plural, kind_ in PLURALS.items()
        if kind in (None, kind_)
    }
    if as_json:
        print_json({plural: [_as_json(e) for e in entries] for plural, entries in listed.items()})
        return
    for number, (plural, entries) in enumerate(listed.items()):
        print(f"\n{plural}" if number else plural)
        print_table([_row(e) for e in entries] or [("(none)",)])


def kind_of(word: str) -> Kind:
    """The kind that a word names, in the singular or the plural.

    Raises:
        ArgumentError: it names none.
    """
    words: dict[str, Kind] = {**PLURALS, **{kind: kind for kind in REGISTRIES}}
    if word not in words:
        near = did_you_mean(word, words)
        raise ArgumentError(f"unknown kind '{word}'.{near} One of: {', '.join(REGISTRIES)}")
    return words[word]


def _read(words: list[str]) -> tuple[Kind | None, str]:
    if len(words) > 2:
        raise ArgumentError(f"unexpected argument '{words[2]}'; usage: restorekit list {USAGE}")
    return kind_of(words[0]) if words else None, words[1] if len(words) == 2 else "*"


def _row(entry: Entry) -> tuple[str, str]:
    component, provider = entry.component, entry.provider
    note = "" if provider.distribution == "restorekit" else f"[{provider}]"
    return component.name, f"{component.summary} {note}".strip()


def _as_json(entry: Entry) -> dict[str, Any]:
    component, provider = entry.component, entry.provider
    return {
        "name": component.name,
        "summary": component.summary,
        "reference": component.reference,
        "tags": component.tags,
        "provider": provider.distribution,
        "version": provider.version,
    }
