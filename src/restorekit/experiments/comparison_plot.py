"""Curves of the validations of several runs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from os import PathLike
from typing import TYPE_CHECKING

from restorekit.evaluate.plots import check_plot_path
from restorekit.experiments.comparison import ComparedRuns, RunComparison
from restorekit.pictures.file_errors import drawing_errors
from restorekit.storage.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 4  # panels


def write_curves(compared: RunComparison, path: str | PathLike[str]) -> None:
    """Draw each metric over the steps: a line for each group, its range over seeds shaded.

    Raises:
        ImageFileError: the path does not end in .png, .svg or .pdf, or nothing can be drawn.
    """
    path = check_plot_path(path)
    with drawing_errors(path), atomic_path(path) as temporary:
        # The format is named, because the temporary file may have another suffix.
        _figure(compared).savefig(temporary, dpi=120, format=path.suffix[1:].lower())


def _figure(compared: RunComparison) -> Figure:
    from matplotlib.figure import Figure

    names = [name for name in compared.metrics if "." not in name][:_MOST] or ["loss"]
    figure = Figure(figsize=(1 + 4 * len(names), 4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        for group in compared.groups:
            _draw(axis, group, name)
        axis.set_title(name)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    if axes[0].lines:
        axes[0].legend(fontsize="small")
    return figure


def _draw(axis: Axes, group: ComparedRuns, name: str) -> None:
    at: dict[float, list[float]] = defaultdict(list)
    for run in group.runs:
        for row in run.validations:
            if name in row:
                at[row["step"]].append(row[name])
    steps = sorted(at)
    if not steps:
        return
    means = [statistics.fmean(at[step]) for step in steps]
    label = group.name.replace("$", r"\$")  # which begins a formula
    (line,) = axis.plot(steps, means, label=label, marker="." if len(steps) < 30 else "")
    if len(group.runs) > 1:
        ends = [min(at[step]) for step in steps], [max(at[step]) for step in steps]
        axis.fill_between(steps, *ends, color=line.get_color(), alpha=0.2)
