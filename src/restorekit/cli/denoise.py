"""`restorekit denoise`: pictures through a trained model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from restorekit.cli.denoise_options import (
    DepthName,
    Ensemble,
    Force,
    Impulses,
    InPlace,
    KeepDetail,
    Model,
    NoiseCurve,
    NoiseMap,
    Overwrite,
    Quality,
    ReportPath,
    Runtime,
    Scales,
    Sigma,
    Stabilize,
    Strength,
    StrengthChroma,
    StrengthLuma,
    Tile,
)
from restorekit.cli.file_results import conclude, read_end, read_tile, results_printed
from restorekit.cli.noise_curve_option import read_stabilize
from restorekit.cli.options import OUTPUT, Black, Device, Inputs, Json, Precision, Verbose, White
from restorekit.components.kinds import estimators
from restorekit.devices import PRECISIONS
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.runtimes import RUNTIMES

if TYPE_CHECKING:
    from restorekit.pictures.pixel_values import Depth
    from restorekit.restore.coarse_noise import Scales as NumberOfScales
    from restorekit.restore.impulse_removal.remove import ImpulseMode

DEPTHS: dict[str, Depth | None] = {"like": None, "8": 8, "16": 16, "float": "float"}


def denoise(
    inputs: Inputs,
    output: Annotated[str | None, OUTPUT] = None,
    model: Model = "auto",
    sigma: Sigma = "auto",
    strength: Strength = "1",
    strength_luma: StrengthLuma = None,
    strength_chroma: StrengthChroma = None,
    keep_detail: KeepDetail = "0",
    ensemble: Ensemble = False,
    noise_map: NoiseMap = False,
    stabilize: Stabilize = None,
    noise_curve: NoiseCurve = None,
    scales: Scales = "1",
    impulses: Impulses = "auto",
    tile: Tile = "auto",
    precision: Precision = "auto",
    device: Device = "auto",
    runtime: Runtime = "torch",
    depth: DepthName = "like",
    black: Black = "auto",
    white: White = "auto",
    quality: Quality = None,
    in_place: InPlace = False,
    force: Force = False,
    overwrite: Overwrite = False,
    report: ReportPath = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Restore pictures or folders of pictures.

    Without -o the result of photo.jpg is photo-restored.jpg. If several pictures are given, those
    with an up-to-date result are skipped. A picture that fails does not stop the others. With
    torchrun, the processes share the pictures.
    """
    # Text options are checked before the next import, which takes seconds.
    level, estimator = _sigma(sigma)
    if noise_map and isinstance(level, float):
        raise ArgumentError("--noise-map estimates the noise; leave out --sigma")
    mode = read_stabilize(stabilize, noise_curve)
    if mode not in ("auto", "off") and (noise_map or level is not None):
        left = "--noise-map" if noise_map else "--sigma"
        option = "--noise-curve" if noise_curve else "--stabilize on"
        raise ArgumentError(f"{option} replaces the noise level by a curve; leave out {left}")
    from restorekit.operations.denoise_files import denoise_files

    with results_printed("denoising", as_json=as_json, verbose=verbose) as show:
        outcome = denoise_files(
            inputs,
            output,
            model,
            sigma=level,
            estimator=estimator,
            strength=_number("--strength", strength, 0, 1),
            strength_luma=_optional_share("--strength-luma", strength_luma),
            strength_chroma=_optional_share("--strength-chroma", strength_chroma),
            keep_detail=_number("--keep-detail", keep_detail, 0, 1),
            ensemble=ensemble,
            noise_map=noise_map,
            stabilize=mode,
            scales=_scales(scales),
            impulses=_impulses(impulses),
            tile=read_tile(tile),
            precision=_choice("--precision", precision, PRECISIONS),
            device=device,
            runtime=_choice("--runtime", runtime, ("auto", *RUNTIMES)),
            depth=DEPTHS[_choice("--depth", depth, tuple(DEPTHS))],
            black=read_end("--black", black),
            white=read_end("--white", white),
            quality=quality,
            in_place=in_place,
            force=force,
            # None lets the library decide: a single picture is redone, a folder is resumed.
            overwrite=True if overwrite else None,
            report=report,
            summarize=as_json,
            share=True,
            on_file=show,
            progress=False,  # the command has a bar of its own
        )
    conclude(outcome)


def _sigma(text: str) -> tuple[float | Literal["estimate"] | None, str | None]:
    """The noise level that the network is given, and the estimator that the option names."""
    if text == "auto":
        return None, None
    if text == "estimate":
        return "estimate", None
    near, name = "", text.partition(":")[0]
    if name.isidentifier():  # not of a number, since looking up a name may load plugins
        if name in estimators:
            return "estimate", text
        near = did_you_mean(name, estimators)
    also = " of 255, estimate, auto, or an estimator"
    return _number("--sigma", text, 0, 255, also, near) / 255, None


def _optional_share(option: str, text: str | None) -> float | None:
    return None if text is None else _number(option, text, 0, 1)


def _scales(text: str) -> NumberOfScales:
    found: dict[str, NumberOfScales] = {"auto": "auto", "1": 1, "2": 2, "3": 3, "4": 4}
    return found[_choice("--scales", text, tuple(found))]


def _impulses(text: str) -> ImpulseMode:
    found: dict[str, ImpulseMode] = {"auto": "auto", "on": "on", "off": "off"}
    return found[_choice("--impulses", text, tuple(found))]


def _number(
    option: str, text: str, low: float, high: float, also: str = "", near: str = ""
) -> float:
    try:
        value = float(text)
    except ValueError:
        # NaN fails the comparison below, as do "nan" and "inf" from the command line.
        value = math.nan
    if not low <= value <= high:
        raise ArgumentError(
            f"{option} is a number from {low:g} to {high:g}{also}, not '{text}'{near and '.'}{near}"
        )
    return value


def _choice(option: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ArgumentError(
            f"{option} '{text}' is unknown.{did_you_mean(text, choices)} "
            f"One of: {', '.join(choices)}"
        )
    return text
