"""The options of `restorekit benchmark`, one type each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL...",
        help="Names of weights, files, run folders, or models without weights; or LABEL=MODEL.",
    ),
]
DataFolder = Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Folder of pictures.")]
Noises = Annotated[
    list[str] | None,
    typer.Option(
        "-n",
        "--noise",
        metavar="EXPR",
        help="gaussian:15,25,50 or uniform:25 (8-bit levels), salt_and_pepper:0.05, "
        "name:key=value or JSON; can be repeated.",
    ),
]
Pairs = Annotated[
    bool,
    typer.Option(
        "--pairs",
        help="Real noise: FOLDER has clean and noisy pictures, recognised by their names "
        "(gt/a.png and noisy/a.png, a_mean.jpg and a_real.jpg).",
    ),
]
PairsPattern = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--pairs-pattern",
        metavar="CLEAN NOISY",
        help="Real noise: patterns of the paths, such as 'gt/{name}.png' 'shots/{name}_*.png'.",
    ),
]
PairsFile = Annotated[
    Path | None,
    typer.Option(
        "--pairs-csv",
        metavar="FILE",
        help="Real noise: a CSV file with the columns clean and noisy.",
    ),
]
Clip = Annotated[bool, typer.Option("--clip", help="Clip the noisy pictures.")]
Quantize = Annotated[bool, typer.Option("--quantize", help="Round the noisy pictures to 8 bits.")]
RoundOutput = Annotated[
    bool, typer.Option("--round", help="Round the restored pictures to 8 bits.")
]
Gray = Annotated[bool, typer.Option("--gray", help="Convert colour to gray first.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the noise.")]
Kair = Annotated[bool, typer.Option("--kair", help="Seed Gaussian noise as KAIR's scripts do.")]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Let the models use an estimated noise level.")
]
Estimator = Annotated[
    str | None,
    typer.Option("--estimator", metavar="NAME", help="Estimate the noise level by this estimator."),
]
Stabilize = Annotated[
    Literal["off", "auto", "on"],
    typer.Option("--stabilize", help="Make noise that depends on the brightness constant."),
]
Noisy = Annotated[
    bool,
    typer.Option(
        "--noisy",
        help="The pictures are noisy and no clean ones are known; measure --metric only.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", help="Use at most N pictures, evenly spaced."),
]
Border = Annotated[
    int, typer.Option("--border", metavar="N", help="Leave out N pixels at each side.")
]
Crop = Annotated[
    int | None, typer.Option("--crop", metavar="N", help="Use the central square of N pixels.")
]
SpeedSize = Annotated[
    int | None,
    typer.Option("--speed-size", metavar="N", help="Measure the time for a square of N pixels."),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="A metric to measure besides PSNR and SSIM, with arguments as in "
        "niqe:statistics=model.npz; may be repeated.",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
]
MarkdownFile = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write the results as a Markdown table."),
]
PlotFile = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Plot PSNR against seconds per megapixel."),
]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="Number of CPU threads.", min=1)
]
