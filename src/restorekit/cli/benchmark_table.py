"""The table of a benchmark, printed while it is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorekit.cli.output import print_error, print_line, print_row

if TYPE_CHECKING:
    from restorekit.evaluate.benchmark_results import BenchmarkResults

_LEAST = (0, 8, 7, 10, 0)  # least widths of the columns after the metrics


class BenchmarkTable:
    """Prints each row as soon as it is measured; a column widens when a row needs it."""

    def __init__(self) -> None:
        self._head: tuple[str, ...] = ()
        self._widths: list[int] = []
        self._rows = self._refusals = 0
        self._results: BenchmarkResults | None = None
        self._models: dict[str, str] = {}
        self._noises: dict[str, str] = {}

    def show(self, results: BenchmarkResults) -> None:
        """Print the newest row or refusal; the head comes before the first row."""
        from restorekit.evaluate.tables import row_cells

        if self._results is None:
            self._begin(results)
        self._results = results
        for refusal in results.refusals[self._refusals :]:
            print_error(refusal.describe())
        self._refusals = len(results.refusals)
        # The call was for a model that failed and has no row.
        if len(results.rows) == self._rows:
            return
        if not self._rows:
            self._print(self._head)
        self._rows = len(results.rows)
        noise, model, *numbers = row_cells(results.rows[-1], results.metrics)
        self._print((self._noises.get(noise, noise), self._models[model], *numbers))

    def end(self) -> None:
        """Print the notes below the table, if any of it was printed."""
        from restorekit.evaluate.tables import table_notes

        if self._results is None:
            return
        print_line("")
        for short, label in _differing(self._models) + _differing(self._noises):
            print_line(f"{short}: {label}")
        for note in table_notes(self._results):
            print_line(note)

    def _begin(self, results: BenchmarkResults) -> None:
        """Prepare the columns; the names of models and noises are known, so their widths are."""
        from restorekit.evaluate.tables import short_labels, table_head

        self._head = table_head(results)
        self._models = short_labels(results.models)
        self._noises = short_labels(results.noises)
        named = [max(map(len, short.values()), default=0) for short in (self._noises, self._models)]
        costs = _LEAST if results.data.has_clean else _LEAST[2:]
        least = (*named, *[0] * (len(self._head) - len(named) - len(costs)), *costs)
        self._widths = [max(len(w), width) for w, width in zip(self._head, least, strict=True)]

    def _print(self, texts: tuple[str, ...]) -> None:
        # Rows are printed before the later ones are known, so a column can only become wider.
        self._widths = [max(w, len(text)) for w, text in zip(self._widths, texts, strict=True)]
        print_row(texts, self._widths, left=2)


def _differing(short: dict[str, str]) -> list[tuple[str, str]]:
    """The labels that were cut, by what stands for them."""
    return [(cut, label) for label, cut in short.items() if cut != label]
