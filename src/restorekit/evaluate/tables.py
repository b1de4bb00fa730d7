"""Results as tables in Markdown and for a terminal, with the protocol."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

from restorekit.evaluate.benchmark_results import BenchmarkResults, BenchmarkRow
from restorekit.storage.atomic import atomic_path
from restorekit.untrusted.text import escaped

_QUALITY = ("noise", "model", "noisy PSNR", "PSNR", "SSIM")
_COST = ("worst change", "worse", "s/MP", "parameters", "peak MB")


def table_head(results: BenchmarkResults) -> tuple[str, ...]:
    """The titles of the columns."""
    if not results.data.has_clean:
        both = (title for name in results.metrics for title in (f"noisy {name}", name))
        return (*_QUALITY[:2], *both, *_COST[2:])
    return (*_QUALITY, *results.metrics, *_COST)


def row_cells(row: BenchmarkRow, metrics: Iterable[str] = ()) -> tuple[str, ...]:
    """A row as text, one cell for each column; `metrics` are those in addition to PSNR and SSIM."""
    if not row.has_clean:
        both = (mean(name) for name in metrics for mean in (row.mean_noisy, row.mean))
        return (row.noise, row.model, *(f"{value:.4f}" for value in both), *_cost(row))
    return (
        row.noise,
        row.model,
        _mean(row.psnr_noisy, [picture.psnr_noisy for picture in row.pictures]),
        _mean(row.psnr, [picture.psnr for picture in row.pictures]),
        f"{row.ssim:.4f}",
        *(f"{row.mean(name):.4f}" for name in metrics),
        f"{row.worst_change:+.2f}",
        f"{row.worsened} of {len(row.pictures)}",
        *_cost(row),
    )


def _cost(row: BenchmarkRow) -> tuple[str, str, str]:
    memory = row.peak_megabytes
    return (
        f"{row.seconds_per_megapixel:.3g}",
        f"{row.parameters:,}",
        "" if memory is None else f"{memory:.0f}",
    )


def table_notes(results: BenchmarkResults) -> list[str]:
    """The notes that every table needs: protocol, data, environment, models and refusals."""
    timed = ", ".join(dict.fromkeys(row.timed for row in results.rows))
    how = ", ".join(dict.fromkeys(f"{row.precision}, {_tile(row)}" for row in results.rows))
    lines = [
        f"protocol {results.protocol_version}: "
        f"{results.protocol.describe(not results.noises, results.data.has_clean)}",
        f"data: {results.data.describe()}",
        f"environment: {results.environment.describe()}",
        *(f"model {label}: {model.describe()}" for label, model in results.models.items()),
        *_unclamped(results),
        *(
            f"{name}: {'higher' if higher else 'lower'} is better"
            for name, higher in results.metrics.items()
        ),
    ]
    if results.rows:
        lines.append(f"time: {timed}; run in {how}")
    return [*lines, *(refusal.describe() for refusal in results.refusals)]


def _unclamped(results: BenchmarkResults) -> list[str]:
    """A note on the PSNR of the unclamped noisy pictures, if clamping changes it."""
    changed = {
        row.noise: f"{row.noise} {_decibels(row.psnr_unclamped)}"
        for row in results.rows
        if _decibels(row.psnr_unclamped) != _decibels(row.psnr_noisy)
    }
    if not changed:
        return []
    return [
        "noisy PSNR: of the input clamped to [0, 1], as in a file; "
        f"unclamped, as the models receive it: {', '.join(changed.values())}"
    ]


def short_labels(labels: Iterable[str], width: int = 36) -> dict[str, str]:
    """Labels shortened to a width, as a mapping; they stay distinct and on one line.

    The middle is cut out, since the end of a path is more informative.
    """
    short: dict[str, str] = {}
    for label in labels:
        plain = escaped(label)
        start, end = width // 4, width - width // 4 - 1
        cut = plain if len(plain) <= width else f"{plain[:start]}…{plain[-end:]}"
        taken = sum(other.partition(" #")[0] == cut for other in short.values())
        short[label] = f"{cut} #{taken + 1}" if taken else cut
    return short


def to_markdown(results: BenchmarkResults) -> str:
    """A table with its notes below."""
    lines = [
        _line(table_head(results)),
        _line(["---"] * 2 + ["---:"] * (len(table_head(results)) - 2)),
        *(_line(row_cells(row, results.metrics)) for row in results.rows),
        "",
        *(f"- {note}" for note in table_notes(results)),
    ]
    return "\n".join(lines) + "\n"


def write_markdown(results: BenchmarkResults, path: str | os.PathLike[str]) -> None:
    """Write the table. An error leaves an existing file unchanged."""
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(to_markdown(results), encoding="utf-8")


def _line(texts: tuple[str, ...] | list[str]) -> str:
    # A vertical line in a label would begin a new cell; not all renderers know "\|".
    return f"| {' | '.join(escaped(text).replace('|', '&#124;') for text in texts)} |"


def _mean(mean: float, values: list[float | None]) -> str:
    """A mean; an infinite one is replaced by the number of pictures that equal the clean ones."""
    equal = values.count(None)
    # The mean with one infinite value is infinite and says nothing about the others.
    return _decibels(mean) if equal in (0, len(values)) else f"{equal} equal"


def _decibels(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "equal"


def _tile(row: BenchmarkRow) -> str:
    return "whole pictures" if row.tile is None else f"tiles of {row.tile} px"
