"""The page about the zoo, from what is counted, measured and recorded."""

from __future__ import annotations

import importlib.resources
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from restorekit.components.kinds import layouts, models
from restorekit.zoo.entries import ZooEntry, weights_of
from restorekit.zoo.facts import Facts
from restorekit.zoo.measure import MEMORY_SIDES, SIDES, Measured
from restorekit.zoo.survey_table import survey_text
from restorekit.zoo.zoo_files import Parity, table

_MISSING = "not measured"
_GITHUB, _COMMIT = "https://github.com/", 10  # characters of a commit


def write_text(
    facts: Mapping[ZooEntry, Facts],
    results: Mapping[str, Measured],
    parity: Sequence[Parity],
    survey: Mapping[str, Any],
) -> str:
    """The Markdown text of the page.

    Args:
        facts: what was counted of each network.
        results: measurements by the label of the network.
        parity: differences to other implementations.
        survey: the content of the survey's file.
    """
    page = importlib.resources.files("restorekit.zoo").joinpath("page.md").read_text("utf-8")
    return string.Template(page).substitute(
        networks=networks_table(list(facts), parity),
        costs=costs_table(facts, results),
        machines=machines(results[entry.label] for entry in facts if entry.label in results),
        survey=survey_text(survey, {entry.model for entry in facts if facts[entry].parameters}),
        parity=parity_table(parity),
        layouts=layouts_table(parity),
    )


def networks_table(entries: Sequence[ZooEntry], parity: Sequence[Parity]) -> str:
    """A row for each model: what it is, its source, and how it was checked."""
    rows = []
    for model in dict.fromkeys(entry.model for entry in entries):
        own = [entry for entry in entries if entry.model == model]
        component = own[0].component
        largest = max(
            (each.largest_difference for each in parity if each.model == model), default=None
        )
        presets = ", ".join(f"`{name}`" for name in component.presets)
        weights = ", ".join(f"`{name}`" for entry in own for name in weights_of(entry))
        rows.append(
            (
                f"`{model}`",
                component.summary,
                _linked(component.reference),
                component.year or "",
                ", ".join(component.tags),
                presets,
                "" if largest is None else f"{largest:.1e}",
                weights,
            )
        )
    head = ("network", "", "paper", "year", "tags", "presets", "parity", "weights")
    return table(head, rows, numbers_from=len(head))


def costs_table(facts: Mapping[ZooEntry, Facts], results: Mapping[str, Measured]) -> str:
    """A row for each model and preset: what it costs."""
    rows = [cost_cells(entry, facts[entry], results.get(entry.label)) for entry in facts]
    return table(cost_head(), rows)


def cost_head() -> tuple[str, ...]:
    """The titles of the columns of `cost_cells`."""
    times = [f"s/MP {side}{kind}" for kind in ("", " bf16") for side in SIDES]
    memory = [f"MB {side}" for side in MEMORY_SIDES]
    counted = ("network", "parameters", "GMACs", "receptive field", "tiles")
    return (*counted, *times, "lossless", *memory)


def cost_cells(entry: ZooEntry, facts: Facts, measured: Measured | None) -> tuple[str, ...]:
    """A row of the table of costs."""
    counted = (
        entry.label,
        f"{facts.parameters:,}" if facts.parameters else "",
        "" if facts.gmacs is None else f"{facts.gmacs:.3g}",
    )
    if measured is None or (measured.error and not measured.seconds):
        reason = facts.error or _MISSING if measured is None else measured.error
        return (*counted, reason, *[""] * (len(cost_head()) - len(counted) - 1))
    field = ("whole image", "approximate")
    if measured.receptive_field is not None:
        field = (str(measured.receptive_field), "exact")
    elif not facts.parameters:
        field = ("", "")
    times = (
        _number(measured.seconds.get(precision, {}).get(str(side)))
        for precision in ("float32", "bfloat16")
        for side in SIDES
    )
    lossless = {None: "", True: "yes", False: "no"}[measured.lossless]
    memory = (_number(measured.peak_megabytes.get(str(side))) for side in MEMORY_SIDES)
    return (*counted, *field, *times, lossless, *memory)


def machines(results: Any) -> str:
    """Where and with which versions the measurements were made."""
    keys = ("processor", "restorekit", "torch", "threads")
    found = {
        "{processor}, restorekit {restorekit}, torch {torch}, threads: {threads}".format(**each)
        for each in (measured.environment for measured in results)
        if all(key in each for key in keys)
    }
    return f"Measured on: {'; '.join(sorted(found))}." if found else "Nothing is measured."


def parity_table(parity: Sequence[Parity]) -> str:
    """All differences to other implementations."""
    head = ("network", "reference", "version or commit", "sizes", "where", "largest difference")
    rows = (
        (
            f"`{each.model}`",
            _repository(each.reference),
            each.commit_or_version[:_COMMIT],
            each.sizes,
            each.where,
            f"{each.largest_difference:.1e}",
        )
        for each in sorted(parity, key=lambda each: each.model)
    )
    return table(head, rows, numbers_from=5)


def layouts_table(parity: Sequence[Parity]) -> str:
    """The layouts of published checkpoints, and how their networks were compared."""
    rows = []
    for name in layouts.names():
        entry = layouts.entry(name)
        if entry.provider.distribution != "restorekit":
            continue
        component = entry.component
        networks = [tag for tag in component.tags if tag in models]
        tested = [f"{_repository(p.reference)} ({p.where})" for p in parity if p.model in networks]
        keys = str(getattr(layouts.create(name), "keys", ""))
        rows.append(
            (
                f"`{name}`",
                component.summary,
                _linked(component.reference),
                ", ".join(f"`{each}`" for each in networks),
                f"`{keys}`" if keys else "",
                ", ".join(dict.fromkeys(tested)) or "the tests of the layout",
            )
        )
    head = ("layout", "of", "source", "network", "first keys", "compared with")
    return table(head, rows, numbers_from=len(head))


def _repository(reference: str) -> str:
    """A link, if it is a repository; the name of a package as it is."""
    name = reference.removeprefix(_GITHUB)
    return f"[{name}]({_GITHUB}{name})" if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else reference


def _linked(text: str) -> str:
    return re.sub(r"https?://[^\s,;)]+", r"<\g<0>>", text)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
