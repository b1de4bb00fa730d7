"""The files that a benchmark writes while it runs and at its end."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from restorekit.evaluate.benchmark_results import BenchmarkResults, write_json
from restorekit.evaluate.tables import write_markdown
from restorekit.storage.atomic import check_target

AnyPath = str | PathLike[str]


class ResultFiles:
    """Results as JSON and Markdown, which are updated after each row, and as a plot.

    Args:
        json: the path of the JSON file; None for none, likewise below.
        markdown: the path of the Markdown table.
        plot: the path of the plot.

    Raises:
        RestoreKitError: a file cannot be written there.
    """

    def __init__(
        self, json: AnyPath | None, markdown: AnyPath | None, plot: AnyPath | None
    ) -> None:
        if plot is not None:
            from restorekit.evaluate.plots import check_plot_path

            # Now, and not after hours of measuring.
            check_plot_path(plot)
        for path in (json, markdown, plot):
            if path is not None:
                check_target(Path(path))
        self._json, self._markdown, self._plot = json, markdown, plot

    def update(self, results: BenchmarkResults) -> None:
        """Write the results so far."""
        if self._json is not None:
            write_json(results, self._json)
        if self._markdown is not None:
            write_markdown(results, self._markdown)

    def finish(self, results: BenchmarkResults) -> None:
        """Draw the plot of all results."""
        if self._plot is not None:
            from restorekit.evaluate.plots import write_plot

            write_plot(results, self._plot)
