"""`restorekit denoise`: pictures through a trained model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorekit.cli.output import Json
from restorekit.cli.picture_processing import (
    OUTPUT,
    Black,
    Inputs,
    Verbose,
    White,
    process_with_progress,
    read_range,
)
from restorekit.devices import PRECISIONS
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.runtimes import RUNTIMES

if TYPE_CHECKING:
    from restorekit.pictures.processing.file_plan import FilePlan

DEPTHS = {"like": None, "8": 8, "16": 16, "float": "float"}


def denoise(
    inputs: Inputs,
    output: Annotated[str | None, OUTPUT] = None,
    model: Annotated[
        str,
        typer.Option("-m", "--model", metavar="MODEL", help="A name, a file, or a run folder."),
    ] = "swift-photo",
    sigma: Annotated[
        str,
        typer.Option("--sigma", metavar="N", help="Noise level in 8-bit levels, or auto."),
    ] = "auto",
    strength: Annotated[
        str, typer.Option("--strength", metavar="0..1", help="Fraction of the change to make.")
    ] = "1",
    keep_detail: Annotated[
        str,
        typer.Option(
            "--keep-detail", metavar="0..1", help="Put fine detail back; little effect yet."
        ),
    ] = "0",
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Average 8 flips and rotations; 8x slower.")
    ] = False,
    noise_map: Annotated[
        bool, typer.Option("--noise-map", help="Estimate the noise for each region.")
    ] = False,
    tile: Annotated[
        str, typer.Option("--tile", metavar="N", help="Side in pixels, auto, or off.")
    ] = "auto",
    precision: Annotated[
        str, typer.Option("--precision", metavar="NAME", help=f"{', '.join(PRECISIONS)}.")
    ] = "auto",
    device: Annotated[
        str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    runtime: Annotated[
        str, typer.Option("--runtime", metavar="NAME", help=f"auto, {', '.join(RUNTIMES)}.")
    ] = "torch",
    depth: Annotated[
        str, typer.Option("--depth", metavar="BITS", help="like (as the input), 8, 16 or float.")
    ] = "like",
    black: Black = "auto",
    white: White = "auto",
    quality: Annotated[
        int | None,
        typer.Option("--quality", metavar="1..100", help="Quality of JPEG (default 95) and WebP."),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Overwrite the inputs with the results.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Restore pages and clean pictures too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Redo pictures that have a result.")
    ] = False,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Report: .html, .png, or a folder."),
    ] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Restore pictures or folders of pictures.

    Without -o the result of photo.jpg is photo-restored.jpg. If several pictures are given, those
    with an up-to-date result are skipped. A picture that fails does not stop the others. With
    torchrun, the processes share the pictures.
    """
    settings: dict[str, Any] = {
        "sigma": _sigma(sigma),
        "strength": _number("--strength", strength, 0, 1),
        "keep_detail": _number("--keep-detail", keep_detail, 0, 1),
        "ensemble": ensemble,
        "tile": _tile(tile),
        "precision": _choice("--precision", precision, PRECISIONS),
        "noise_map": noise_map,
        "force": force,
        "runtime": _choice("--runtime", runtime, ("auto", *RUNTIMES)),
    }
    if noise_map and settings["sigma"] is not None:
        raise ArgumentError("--noise-map estimates the noise; leave out --sigma")
    ends = read_range(black, white)
    bits: Any = DEPTHS[_choice("--depth", depth, tuple(DEPTHS))]
    if quality is not None and not 1 <= quality <= 100:
        raise ArgumentError(f"--quality is 1 to 100, not {quality}")
    plan = _plan(inputs, output, in_place)

    from restorekit.cli.restoring import Restoring
    from restorekit.pictures.processing.one_file import WriteOptions
    from restorekit.pictures.processing.worker import Worker
    from restorekit.report.report_paths import report_paths
    from restorekit.restore.denoiser import Denoiser

    reports = report_paths(plan, report)
    worker = Worker.of_environment()
    resume = not (overwrite or in_place or _is_single(inputs))
    denoiser = Denoiser(model, device=worker.device(device), **settings)
    restoring = Restoring(denoiser, reports, as_json)
    process_with_progress(
        plan,
        restoring,
        "denoising",
        writing=WriteOptions(bits, quality, in_place, resume, *ends),
        worker=worker,
        at_once=0 if reports else denoiser.pixels_at_once,
        tell=restoring.tell if as_json else None,
        verbose=verbose,
    )


def _plan(inputs: Sequence[str], output: str | None, in_place: bool) -> FilePlan:
    if in_place and output is not None:
        raise ArgumentError("give an output with -o, or --in-place (not both)")
    from restorekit.pictures.processing.file_plan import plan_in_place, plan_outputs, plan_reports

    if in_place:
        return plan_in_place(inputs)
    if output is not None:
        return plan_outputs(inputs, output)
    if len(inputs) > 1:
        raise ArgumentError("several pictures need a folder to go to: -o FOLDER, or --in-place")
    return plan_reports(inputs[0])


def _is_single(inputs: Sequence[str]) -> bool:
    """Whether one picture is named, which is redone: its settings may be what is tried out."""
    return len(inputs) == 1 and not Path(inputs[0]).is_dir()


def _sigma(text: str) -> float | None:
    return None if text == "auto" else _number("--sigma", text, 0, 255, " of 255, or auto") / 255


def _tile(text: str) -> int | str:
    if text in ("auto", "off"):
        return text
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"--tile is auto, off, or a side in pixels, not '{text}'")
    return int(text)


def _number(option: str, text: str, low: float, high: float, also: str = "") -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ArgumentError(f"{option} is a number from {low:g} to {high:g}{also}, not '{text}'")
    return value


def _choice(option: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ArgumentError(
            f"{option} '{text}' is unknown.{did_you_mean(text, choices)} "
            f"One of: {', '.join(choices)}"
        )
    return text
