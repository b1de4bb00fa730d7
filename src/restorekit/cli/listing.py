"""`restorekit list`: the components by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_table, print_text
from restorekit.components.component_records import RegistryEntry
from restorekit.components.kinds import REGISTRIES
from restorekit.components.registry import Registry
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.untrusted.plain_data import to_json_value
from restorekit.weights.weights_listing import ListedWeights, describe_weights

WEIGHTS = "weights"


def plurals() -> dict[str, str]:
    """The kinds by the words that name them in the plural."""
    return {registry.plural: kind for kind, registry in REGISTRIES.items()}


USAGE = f"[{'|'.join([*plurals(), WEIGHTS])}] [PATTERN...] [--tag TAG] [--json]"
HELP = f"""List {", ".join(plurals())} and trained weights.

The list can be limited to one kind, to names that match any of some patterns such as 'unet*', and
with --tag TAG, which can be repeated, to components that have all of these tags.
Components of plugins are listed with the plugin that provides them.
"""


def listing(context: typer.Context, as_json: Json = False) -> None:
    """Print the components of every kind, or of one."""
    # Declared arguments would make typer import pydantic, which doubles the start-up time.
    words, tags = _without_tags(context.args)
    kind, patterns = _read(words)
    registries = [each for each in REGISTRIES.values() if kind in (None, each.kind)]
    for tag in tags:
        check_tag(tag, registries, kind)
    listed = {
        each.plural: [each.entry(name) for name in each.names(patterns, tag=tags)]
        for each in registries
    }
    if tags:
        listed = {plural: entries for plural, entries in listed.items() if entries or kind}
    found: dict[str, list[Any]]
    found = {plural: [_as_json(e) for e in entries] for plural, entries in listed.items()}
    rows = {plural: [_row(e) for e in entries] for plural, entries in listed.items()}
    if kind in (None, WEIGHTS) and not tags:
        found[WEIGHTS] = describe_weights(patterns)
        rows[WEIGHTS] = [_weights_row(each) for each in found[WEIGHTS]]
    if as_json:
        print_json(found)
        return
    for number, (plural, lines) in enumerate(rows.items()):
        print_text(f"\n{plural}" if number else plural)
        print_table(lines or [("(none)",)])


def kind_of(word: str, *others: str) -> str:
    """The kind for a word, in the singular or the plural.

    Args:
        word: what was given.
        others: words that would have been right there, too.

    Raises:
        ArgumentError: it names none.
    """
    words: dict[str, str] = {**plurals(), **{kind: kind for kind in REGISTRIES}}
    if word not in words:
        near, known = did_you_mean(word, [*words, *others]), [*REGISTRIES, *others]
        raise ArgumentError(f"unknown kind '{word}'.{near} One of: {', '.join(known)}")
    return words[word]


def _read(words: list[str]) -> tuple[str | None, list[str]]:
    """The kind, None for all of them, and the patterns of names."""
    if not words:
        return None, ["*"]
    kind = WEIGHTS if words[0] == WEIGHTS else kind_of(words[0], WEIGHTS)
    return kind, words[1:] or ["*"]


def _without_tags(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without each "--tag TAG" or "--tag=TAG", and the tags.

    Raises:
        ArgumentError: a tag is missing, or there is another option.
    """
    tags: list[str] = []
    others: list[str] = []
    remaining = iter(words)
    for word in remaining:
        option, _, value = word.partition("=")
        if option == "--tag":
            tag = value or next(remaining, None)
            if tag is None:
                raise ArgumentError("option '--tag' needs a tag, for example --tag convolutional")
            tags.append(tag)
        elif option.startswith("-"):
            hint = did_you_mean(option, ["--tag", "--json"]) or " See 'restorekit list --help'"
            raise ArgumentError(f"no such option '{option}'.{hint}")
        else:
            others.append(word)
    return others, tags


def check_tag(tag: str, registries: Sequence[Registry], kind: str | None) -> None:
    """Check that a listed component has a tag.

    Raises:
        ArgumentError: none has it; the message has the nearest tag.
    """
    if kind == WEIGHTS:
        raise ArgumentError("weights have no tags; --tag lists components")
    known = sorted({each for registry in registries for each in registry.tags()})
    if tag not in known:
        what = kind or "component"
        near = did_you_mean(tag, known)
        raise ArgumentError(f"no {what} has the tag '{tag}'.{near} Tags: {', '.join(known)}")


def _row(entry: RegistryEntry) -> tuple[str, str]:
    return entry.component.name, _with_provider(entry.component.summary, str(entry.provider))


def _weights_row(weights: ListedWeights) -> tuple[str, str]:
    facts = [weights.summary or f"{weights.architecture}", weights.noise_range]
    return weights.name, _with_provider("; ".join(filter(None, facts)), weights.provider)


def _with_provider(text: str, provider: str) -> str:
    """A line of a listing; of a plugin's with its distribution and version."""
    own = provider.partition(" ")[0] in ("", "restorekit")
    return text if own else f"{text} [{provider}]".strip()


def _as_json(entry: RegistryEntry) -> dict[str, Any]:
    component, provider = entry.component, entry.provider
    return {
        "name": component.name,
        "summary": component.summary,
        "reference": component.reference,
        "year": component.year,
        "tags": component.tags,
        "presets": to_json_value(component.presets),
        "provider": provider.distribution,
        "version": provider.version,
    }
