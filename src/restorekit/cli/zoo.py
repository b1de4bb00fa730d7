"""`restorekit zoo`: what each network costs and can do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorekit.cli.listing import check_tag
from restorekit.cli.options import Json
from restorekit.cli.output import print_json, print_line, print_row
from restorekit.components.kinds import models
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.zoo.entries import ZooEntry
    from restorekit.zoo.facts import Facts
    from restorekit.zoo.measure import Measured

_LEFT = 1  # columns that are aligned to the left


def zoo(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="NAME, NAME:PRESET or a pattern such as '*net*'."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only networks with the tag; can be repeated."),
    ] = None,
    time: Annotated[
        bool, typer.Option("--time", help="Measure time and memory, which takes a while.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE.md",
            help="Write the page, from what was measured; with --time also what was not.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the size and cost of networks: parameters, multiplications, time and memory.

    Each network is a row, and each of its presets; other presets of the same size are in brackets.
    Multiplications (GMACs) are for 256x256 pixels.
    With --time, each network runs in a process of its own on one thread. Seconds per megapixel are
    processor time. With --write the measurements are kept in a file next to the page, and only
    networks that are named are measured again.
    """
    from restorekit.zoo.entries import find_entries, without_copies

    for each in tag or ():
        check_tag(each, [models], "model")
    entries = find_entries(names or (), tag or ())
    if write is not None:
        if as_json or tag or (names and not time):
            raise ArgumentError("--write writes the whole page; only --time takes names with it")
        _write(write, time, entries if names else [])
    elif as_json:
        print_json([_as_json(*row) for row in _rows(without_copies(entries), time)])
    else:
        _print(without_copies(entries), time)


def _write(path: Path, time: bool, again: Sequence[ZooEntry]) -> None:
    from restorekit.zoo.update import measure_missing, write_page

    if path.suffix != ".md":
        raise ArgumentError(f"'{path}': the page is Markdown; name a file such as zoo.md")
    if time:
        measure_missing(path, lambda line: print_line(line, sys.stderr), again)
    write_page(path)
    print_line(str(path))


def _rows(entries: Sequence[ZooEntry], time: bool) -> Any:
    """Each network as soon as it is counted, and measured if wanted."""
    from restorekit.zoo.measure import measure
    from restorekit.zoo.update import counted

    for entry in entries:
        facts = counted(entry)
        yield entry, facts, measure(entry) if time and not facts.error else None


def _print(entries: Sequence[ZooEntry], time: bool) -> None:
    from restorekit.zoo.zoo_page import cost_cells, cost_head

    shown = len(cost_head()) if time else 3
    head = (*cost_head()[:1], "year", *cost_head()[1:shown])
    longest = max((len(_name(entry)) for entry in entries), default=0)
    widths = [max(longest, len(head[0])), 4, 11, *(max(7, len(title)) for title in head[3:])]
    print_row(head, widths, left=_LEFT)
    for entry, facts, measured in _rows(entries, time):
        cells = cost_cells(entry, facts, measured)
        year = str(entry.component.year or "")
        print_row((_name(entry), year, *cells[1:shown]), widths, left=_LEFT)
        if facts.error:
            print_line(f"{entry.label}: {facts.error}", sys.stderr)


def _name(entry: ZooEntry) -> str:
    """The label of an entry, with the presets that are the same network."""
    others = ", ".join(entry.other_presets)
    return f"{entry.label} ({others})" if others else entry.label


def _as_json(entry: ZooEntry, facts: Facts, measured: Measured | None) -> dict[str, Any]:
    from restorekit.zoo.entries import weights_of

    component = entry.component
    found = {
        "model": entry.model,
        "preset": entry.preset,
        "other_presets": entry.other_presets,
        "arguments": entry.arguments,
        "summary": component.summary,
        "reference": component.reference,
        "year": component.year,
        "tags": component.tags,
        "weights": weights_of(entry),
        **asdict(facts),
    }
    return found if measured is None else {**found, "measured": asdict(measured)}
