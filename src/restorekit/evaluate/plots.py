"""Plot of quality against speed."""

from __future__ import annotations

import math
import os
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from restorekit.errors import ImageFileError, did_you_mean
from restorekit.evaluate.benchmark_results import BenchmarkResults
from restorekit.evaluate.tables import short_labels
from restorekit.pictures.file_errors import drawing_errors
from restorekit.storage.atomic import atomic_path

_SUFFIXES = (".png", ".svg", ".pdf")


def write_plot(results: BenchmarkResults, path: str | os.PathLike[str]) -> None:
    """Plot PSNR against seconds per megapixel, one panel per noise; up and left is better.

    Raises:
        ImageFileError: the path does not end in .png, .svg or .pdf, or nothing can be drawn.
    """
    path = check_plot_path(path)
    with drawing_errors(path), atomic_path(path) as temporary:
        _figure(results).savefig(temporary, dpi=120)


def _figure(results: BenchmarkResults) -> Figure:
    panels = list(dict.fromkeys(row.noise for row in results.rows)) or [""]
    short = short_labels(dict.fromkeys(row.model for row in results.rows))
    figure = Figure(figsize=(1.2 + 4.4 * len(panels), 4.2), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, noise in zip(axes, panels, strict=True):
        # Infinite values (a model on clean pictures) cannot be drawn.
        rows = [row for row in results.rows if row.noise == noise and math.isfinite(row.psnr)]
        for number, row in enumerate(rows):
            axis.scatter([row.seconds_per_megapixel], [row.psnr], color=f"C{number % 10}", zorder=3)
            axis.annotate(
                _plain(short[row.model]),
                (row.seconds_per_megapixel, row.psnr),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize="small",
            )
        # Models differ in speed by factors of 100.
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.margins(0.2)
        axis.set_title(_plain(noise))
        axis.set_xlabel("seconds per megapixel")
        axis.set_ylabel("PSNR (dB)")
        axis.grid(alpha=0.3)
    figure.suptitle(_plain(f"{results.data.folder}, {results.data.pictures} pictures"))
    return figure


def check_plot_path(path: str | os.PathLike[str]) -> Path:
    """The path of a plot, if it can be written.

    Raises:
        ImageFileError: its suffix is unknown.
    """
    path = Path(path)
    if (suffix := path.suffix.lower()) not in _SUFFIXES:
        near = did_you_mean(suffix, _SUFFIXES)
        raise ImageFileError(f"cannot draw '{path}'.{near} One of: {', '.join(_SUFFIXES)}")
    return path


def _plain(text: str) -> str:
    """Escape "$", which starts mathematical notation in matplotlib."""
    return text.replace("$", r"\$")
