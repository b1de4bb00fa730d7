"""`restorekit describe`: what a component is and what it can be given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import typer

from restorekit.cli.listing import kind_of
from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_line, print_table, print_text
from restorekit.components.component_records import Description
from restorekit.components.kinds import REGISTRIES
from restorekit.components.signatures import Argument
from restorekit.untrusted.plain_data import to_json_value


def describe(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(REGISTRIES)}.")],
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="NAME or NAME:PRESET."),
    ],
    as_json: Json = False,
) -> None:
    """Show the arguments, documentation and source of a component."""
    registry = REGISTRIES[kind_of(kind)]
    found, year = registry.describe(name), registry.entry(name.partition(":")[0]).component.year
    if as_json:
        provider = {"provider": found.provider.distribution, "version": found.provider.version}
        print_json({**to_json_value(found), **provider, "year": year})
    else:
        _print(found, year)


def _print(found: Description, year: int | None) -> None:
    print_line(f"{found.kind} {found.name}")
    facts = {
        "summary": found.summary,
        "reference": found.reference,
        "year": str(year or ""),
        "tags": ", ".join(found.tags),
        "provider": str(found.provider),
        "target": found.target,
        "file": found.file,
    }
    print_table((label, text) for label, text in facts.items() if text)
    print_text("\narguments")
    print_table([_row(argument) for argument in found.arguments] or [("(none)",)])
    if found.presets:
        print_text("\npresets")
        print_table((name, _as_arguments(given)) for name, given in found.presets.items())
    # The arguments are already shown in the table.
    doc = re.sub(r"^Args:\n(?:[ \t]+.*\n?|\n)*", "", found.doc, flags=re.MULTILINE).strip()
    if doc:
        print_text(f"\n{doc}")


def _as_arguments(given: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in given.items()) or "(the defaults)"


def _row(argument: Argument) -> tuple[str, str, str]:
    default = "(required)" if argument.required else f"= {argument.default!r}"
    return argument.name, f"{argument.type} {default}", argument.description
