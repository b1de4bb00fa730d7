"""`restorekit benchmark`: models under noises, measured by one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import Device, Precision
from restorekit.cli.output import print_error, print_line
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.evaluate.benchmark_results import BenchmarkResults


def benchmark(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Names of weights, files, run folders, or models without weights; or LABEL=MODEL.",
        ),
    ],
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Folder of pictures.")],
    noise: Annotated[
        list[str] | None,
        typer.Option(
            "-n",
            "--noise",
            metavar="EXPR",
            help="gaussian:15,25,50 or uniform:25 (8-bit levels), salt_and_pepper:0.05, "
            "name:key=value or JSON; can be repeated.",
        ),
    ] = None,
    pairs: Annotated[
        bool,
        typer.Option(
            "--pairs",
            help="Real noise: FOLDER has clean and noisy pictures, recognised by their names "
            "(gt/a.png and noisy/a.png, a_mean.jpg and a_real.jpg).",
        ),
    ] = False,
    pairs_pattern: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--pairs-pattern",
            metavar="CLEAN NOISY",
            help="Real noise: patterns of the paths, such as 'gt/{name}.png' 'shots/{name}_*.png'.",
        ),
    ] = None,
    pairs_csv: Annotated[
        Path | None,
        typer.Option(
            "--pairs-csv",
            metavar="FILE",
            help="Real noise: a CSV file with the columns clean and noisy.",
        ),
    ] = None,
    clip: Annotated[bool, typer.Option("--clip", help="Clip the noisy pictures.")] = False,
    quantize: Annotated[
        bool, typer.Option("--quantize", help="Round the noisy pictures to 8 bits.")
    ] = False,
    round_output: Annotated[
        bool, typer.Option("--round", help="Round the restored pictures to 8 bits.")
    ] = False,
    gray: Annotated[bool, typer.Option("--gray", help="Convert colour to gray first.")] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the noise.")] = 0,
    kair: Annotated[
        bool, typer.Option("--kair", help="Seed Gaussian noise as KAIR's scripts do.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Let the models use an estimated noise level.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", help="Use at most N pictures, evenly spaced."),
    ] = None,
    border: Annotated[
        int, typer.Option("--border", metavar="N", help="Leave out N pixels at each side.")
    ] = 0,
    crop: Annotated[
        int | None, typer.Option("--crop", metavar="N", help="Use the central square of N pixels.")
    ] = None,
    speed_size: Annotated[
        int | None,
        typer.Option(
            "--speed-size", metavar="N", help="Measure the time for a square of N pixels."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="A metric to measure besides PSNR and SSIM; may be repeated.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write the results as a Markdown table."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Plot PSNR against seconds per megapixel."),
    ] = None,
    precision: Precision = "auto",
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", help="Number of CPU threads.", min=1)
    ] = None,
) -> None:
    """Measure models on a folder of pictures: PSNR, SSIM, seconds per megapixel.

    The defaults are those of published tables: Gaussian noise is neither clipped nor quantised,
    models that use the noise level get the true one, the result is clamped to [0, 1], and the mean
    is over whole pictures. The protocol is printed below the table, also after an interruption. The
    files of --json and --markdown are updated after each row. A model that fails on a picture has
    no row, the others are still measured, and the exit code is 2.
    """
    from restorekit.evaluate.benchmark import benchmark as run
    from restorekit.evaluate.protocol import Protocol

    protocol = Protocol(
        seed=seed,
        generator="kair" if kair else "restorekit",
        clip=clip,
        quantize=quantize,
        round_output=round_output,
        gray=gray,
        crop=crop,
        border=border,
        limit=limit,
        sigma="estimated" if estimate else "true",
    )
    # `benchmark` has one argument for all three; --pairs may be given with either of these.
    rules = [rule for rule in (pairs_pattern, pairs_csv) if rule is not None]
    if len(rules) > 1:
        raise ArgumentError("--pairs-pattern and --pairs-csv: give one of them")
    _use_threads(threads)
    table = Table()
    try:
        results = run(
            _labelled(models),
            data,
            noise or [],
            protocol,
            pairs=rules[0] if rules else pairs,
            precision=precision,
            device=device,
            speed_size=speed_size,
            metrics=metric or [],
            json=json,
            markdown=markdown,
            plot=plot,
            report=table.show,
        )
    # Also after Ctrl-C: rows without their protocol could not be compared.
    finally:
        table.end()
    if results.refusals:
        raise typer.Exit(2)


class Table:
    """Rows printed as they come, in columns as wide as it is known by then that they must be."""

    def __init__(self) -> None:
        self._head: tuple[str, ...] = ()
        self._widths: list[int] = []
        self._rows = self._refusals = 0
        self._results: BenchmarkResults | None = None
        self._models: dict[str, str] = {}
        self._noises: dict[str, str] = {}

    def show(self, results: BenchmarkResults) -> None:
        """Print the newest row, below the head where it is the first, or what has none."""
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
        """Print what a table must not be shown without, where anything of it has been shown."""
        from restorekit.evaluate.tables import table_notes

        if self._results is None:
            return
        print_line("")
        for short, label in _differing(self._models) + _differing(self._noises):
            print_line(f"{short}: {label}")
        for note in table_notes(self._results):
            print_line(note)

    def _begin(self, results: BenchmarkResults) -> None:
        """The names of models and noises are known, so their columns are as wide as they need."""
        from restorekit.evaluate.tables import short_labels, table_head

        self._head = table_head(results)
        self._models = short_labels(results.models)
        self._noises = short_labels(results.noises)
        named = [max(map(len, short.values()), default=0) for short in (self._noises, self._models)]
        least = (*named, *[0] * (3 + len(results.metrics)), *_LEAST)
        self._widths = [max(len(w), width) for w, width in zip(self._head, least, strict=True)]

    def _print(self, texts: tuple[str, ...]) -> None:
        # Rows are printed before the later ones are known, so a column can only become wider.
        self._widths = [max(w, len(text)) for w, text in zip(self._widths, texts, strict=True)]
        named = (text.ljust(w) for text, w in zip(texts[:2], self._widths[:2], strict=True))
        numbers = (text.rjust(w) for text, w in zip(texts[2:], self._widths[2:], strict=True))
        print_line("  ".join((*named, *numbers)).rstrip())


_LEAST = (0, 8, 7, 10, 0)  # of the columns behind the metrics


def _differing(short: dict[str, str]) -> list[tuple[str, str]]:
    """The labels that were cut, by what stands for them."""
    return [(cut, label) for label, cut in short.items() if cut != label]


def _labelled(given: list[str]) -> dict[str, str]:
    """Return models by label: the text before "=" unless it names an argument, or all of it."""
    labelled: dict[str, str] = {}
    for text in given:
        label, equals, model = text.partition("=")
        # "median:size=5" and "runs/a=b/last.safetensors" have an "=" that does not end a label.
        if not equals or Path(text).exists() or any(sign in label for sign in ":/{"):
            label, model = text, text
        if not label or not model:
            raise ArgumentError(f"'{text}': write LABEL=MODEL, or a model alone")
        if label in labelled:
            raise ArgumentError(f"two models are called '{label}'; write OTHER=MODEL for one")
        labelled[label] = model
    return labelled


def _use_threads(count: int | None) -> None:
    import torch

    if count is not None:
        torch.set_num_threads(count)
