"""`restorekit benchmark`: models under noises, measured by one protocol."""

from __future__ import annotations

from pathlib import Path

import typer

from restorekit.cli.benchmark_options import (
    Border,
    Clip,
    Crop,
    DataFolder,
    Estimate,
    Estimator,
    Gray,
    JsonFile,
    Kair,
    Limit,
    MarkdownFile,
    Metrics,
    Models,
    Noises,
    Noisy,
    Pairs,
    PairsFile,
    PairsPattern,
    PlotFile,
    Quantize,
    RoundOutput,
    Seed,
    SpeedSize,
    Stabilize,
    Threads,
)
from restorekit.cli.benchmark_table import BenchmarkTable
from restorekit.cli.options import Device, Precision
from restorekit.errors import ArgumentError


def benchmark(
    models: Models,
    data: DataFolder,
    noise: Noises = None,
    pairs: Pairs = False,
    pairs_pattern: PairsPattern = None,
    pairs_csv: PairsFile = None,
    noisy: Noisy = False,
    clip: Clip = False,
    quantize: Quantize = False,
    round_output: RoundOutput = False,
    gray: Gray = False,
    seed: Seed = 0,
    kair: Kair = False,
    estimate: Estimate = False,
    estimator: Estimator = None,
    stabilize: Stabilize = "off",
    limit: Limit = None,
    border: Border = 0,
    crop: Crop = None,
    speed_size: SpeedSize = None,
    metric: Metrics = None,
    json: JsonFile = None,
    markdown: MarkdownFile = None,
    plot: PlotFile = None,
    precision: Precision = "auto",
    device: Device = "auto",
    threads: Threads = None,
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
        estimator=estimator,
        stabilize=stabilize,
    )
    # `benchmark` has one argument for all three; --pairs may be given with either of these.
    rules = [rule for rule in (pairs_pattern, pairs_csv) if rule is not None]
    if len(rules) > 1:
        raise ArgumentError("--pairs-pattern and --pairs-csv: give one of them")
    _use_threads(threads)
    table = BenchmarkTable()
    try:
        results = run(
            _labelled(models),
            data,
            noise or [],
            protocol,
            pairs=rules[0] if rules else pairs,
            noisy=noisy,
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
