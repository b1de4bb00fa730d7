"""The options of `restorekit denoise`, one type each."""

from __future__ import annotations

from typing import Annotated

import typer

from restorekit.runtimes import RUNTIMES

Model = Annotated[
    str,
    typer.Option("-m", "--model", metavar="MODEL", help="A name, a file, a run folder, or auto."),
]
Sigma = Annotated[
    str,
    typer.Option(
        "--sigma", metavar="N", help="Noise level in 8-bit levels, estimate, auto, or an estimator."
    ),
]
Strength = Annotated[
    str, typer.Option("--strength", metavar="0..1", help="Fraction of the change to make.")
]
StrengthLuma = Annotated[
    str | None,
    typer.Option("--strength-luma", metavar="0..1", help="That of luma, if it differs."),
]
StrengthChroma = Annotated[
    str | None,
    typer.Option("--strength-chroma", metavar="0..1", help="That of colour differences."),
]
KeepDetail = Annotated[
    str,
    typer.Option("--keep-detail", metavar="0..1", help="Return removed texture, and its noise."),
]
Ensemble = Annotated[
    bool, typer.Option("--ensemble", help="Average 8 flips and rotations; 8x slower.")
]
NoiseMap = Annotated[bool, typer.Option("--noise-map", help="Estimate the noise for each region.")]
Stabilize = Annotated[
    str | None,
    typer.Option(
        "--stabilize", metavar="MODE", help="Noise that depends on brightness: auto, on or off."
    ),
]
Impulses = Annotated[
    str,
    typer.Option("--impulses", metavar="MODE", help="Fill single wrong pixels: auto, on or off."),
]
NoiseCurve = Annotated[
    str | None,
    typer.Option(
        "--noise-curve",
        metavar="CURVE",
        help="GAIN,READ[,PEDESTAL] in values of the file, or FILE.json of analyze --profile.",
    ),
]
Scales = Annotated[
    str, typer.Option("--scales", metavar="N", help="Scales of coarse noise: 1 to 4, or auto.")
]
Tile = Annotated[str, typer.Option("--tile", metavar="N", help="Side in pixels, auto, or off.")]
Runtime = Annotated[
    str, typer.Option("--runtime", metavar="NAME", help=f"auto, {', '.join(RUNTIMES)}.")
]
DepthName = Annotated[
    str, typer.Option("--depth", metavar="BITS", help="like (as the input), 8, 16 or float.")
]
Quality = Annotated[
    int | None,
    typer.Option("--quality", metavar="1..100", help="Quality of JPEG (default 95) and WebP."),
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Overwrite the inputs with the results.")]
Force = Annotated[bool, typer.Option("--force", help="Restore pages and clean pictures too.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Redo pictures that have a result.")]
ReportPath = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE", help="Report: .html, .png, or a folder."),
]
