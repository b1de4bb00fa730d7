"""Results as tables, in Markdown and for a terminal, with the protocol beside them."""

from __future__ import annotations

import math
import os
from pathlib import Path

from restorekit.atomic import atomic_path
from restorekit.evaluate.results import Results, Row

HEAD = (
    "noise",
    "model",
    "noisy PSNR",
    "PSNR",
    "SSIM",
    "worst change",
    "worse",
    "s/MP",
    "parameters",
    "peak MB",
)


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, a cell for each word of HEAD."""
    memory = row.peak_megabytes
    return (
        row.noise,
        row.model,
        _decibels(row.psnr_noisy),
        _decibels(row.psnr),
        f"{row.ssim:.4f}",
        f"{row.worst_change:+.2f}",
        f"{row.worsened} of {len(row.pictures)}",
        f"{row.seconds_per_megapixel:.3g}",
        f"{row.parameters:,}",
        "" if memory is None else f"{memory:.0f}",
    )


def notes(results: Results) -> list[str]:
    """What a table must not be shown without: protocol, data, environment and what is missing."""
    timed = ", ".join(dict.fromkeys(row.timed for row in results.rows))
    how = ", ".join(dict.fromkeys(f"{row.precision}, {_tile(row)}" for row in results.rows))
    lines = [
        f"protocol: {results.protocol.describe(real=not results.noises)}",
        f"data: {results.data.describe()}",
        f"environment: {results.environment.describe()}",
    ]
    if results.rows:
        lines.append(f"time: {timed}; run in {how}")
    return [*lines, *(refusal.describe() for refusal in results.refusals)]


def to_markdown(results: Results) -> str:
    """A table, and below it what it must not be shown without."""
    lines = [
        _line(HEAD),
        _line(["---"] * 2 + ["---:"] * (len(HEAD) - 2)),
        *(_line(cells(row)) for row in results.rows),
        "",
        *(f"- {note}" for note in notes(results)),
    ]
    return "\n".join(lines) + "\n"


def write_markdown(results: Results, path: str | os.PathLike[str]) -> None:
    """Write the table, whole or not at all."""
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(to_markdown(results), encoding="utf-8")


def _line(texts: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(text.replace('|', '&#124;') for text in texts)} |"


def _decibels(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "equal"


def _tile(row: Row) -> str:
    return "whole pictures" if row.tile is None else f"tiles of {row.tile} px"
