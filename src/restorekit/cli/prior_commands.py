"""`restorekit deblur`, `upscale` and `inpaint`: a known damage undone with a denoiser as prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorekit.cli.denoise_options import Quality, Tile
from restorekit.cli.file_results import conclude, read_end, read_tile, results_printed
from restorekit.cli.options import OUTPUT, Black, Device, Inputs, Json, ReplaceFile, Verbose, White
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.restore.plug_and_play.problems import Problem

_MODEL = "swift-gaussian"
Model = Annotated[
    str,
    typer.Option("-m", "--model", metavar="MODEL", help="A denoiser that uses sigma."),
]
Sigma = Annotated[
    str, typer.Option("--sigma", metavar="N", help="Noise level in 8-bit levels; at least 1.")
]


def deblur(
    inputs: Inputs,
    blur: Annotated[
        str,
        typer.Option(
            "--blur",
            metavar="BLUR",
            help="gaussian:RADIUS, motion:LENGTH,ANGLE, or a picture of a point.",
        ),
    ],
    output: Annotated[str | None, OUTPUT] = None,
    model: Model = _MODEL,
    sigma: Annotated[
        str, typer.Option("--sigma", metavar="N", help="Noise level in 8-bit levels, or auto.")
    ] = "auto",
    black: Black = "auto",
    white: White = "auto",
    quality: Quality = None,
    tile: Tile = "auto",
    device: Device = "auto",
    overwrite: ReplaceFile = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Sharpen pictures whose blur is known.

    RADIUS is the standard deviation of a Gaussian in pixels, LENGTH is in pixels and ANGLE in
    degrees, anticlockwise. Too large a blur gives ringing along edges. A large picture is
    solved in overlapping parts if memory is short.
    """
    level, side = None if sigma == "auto" else _level(sigma), read_tile(tile)

    def make() -> Problem:
        from restorekit.restore.plug_and_play.kernels import blur_of_text
        from restorekit.restore.plug_and_play.tasks import deblurring

        return deblurring(blur_of_text(blur), level, model, device, side)

    _solve("deblurring", make, inputs, output, black, white, quality, overwrite, as_json, verbose)


def upscale(
    inputs: Inputs,
    output: Annotated[str | None, OUTPUT] = None,
    factor: Annotated[
        str, typer.Option("--factor", metavar="2..4", help="Multiplies height and width.")
    ] = "2",
    model: Model = _MODEL,
    sigma: Sigma = "1",
    black: Black = "auto",
    white: White = "auto",
    quality: Quality = None,
    tile: Tile = "auto",
    device: Device = "auto",
    overwrite: ReplaceFile = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Enlarge pictures, as if bicubic resizing had made them smaller.

    A large picture is solved in overlapping parts if memory is short.
    """
    level, side = _level(sigma), read_tile(tile)
    if factor not in ("2", "3", "4"):
        raise ArgumentError(f"--factor is 2, 3 or 4, not '{factor}'")

    def make() -> Problem:
        from restorekit.restore.plug_and_play.tasks import enlarging

        return enlarging(int(factor), level, model, device, side)

    _solve("enlarging", make, inputs, output, black, white, quality, overwrite, as_json, verbose)


def inpaint(
    inputs: Inputs,
    mask: Annotated[
        str, typer.Option("--mask", metavar="PICTURE", help="White where pixels are missing.")
    ],
    output: Annotated[str | None, OUTPUT] = None,
    model: Model = _MODEL,
    sigma: Sigma = "1",
    black: Black = "auto",
    white: White = "auto",
    quality: Quality = None,
    tile: Tile = "auto",
    device: Device = "auto",
    overwrite: ReplaceFile = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fill the missing pixels of pictures, which have the size of the mask.

    All other pixels stay as they are. Gaps of a few pixels are filled, not large areas. A large
    picture is solved in overlapping parts if memory is short.
    """
    level, side = _level(sigma), read_tile(tile)

    def make() -> Problem:
        from restorekit.operations.prior_files import read_mask
        from restorekit.restore.plug_and_play.tasks import filling

        return filling(read_mask(mask), level, model, device, side)

    _solve("filling", make, inputs, output, black, white, quality, overwrite, as_json, verbose)


def _solve(
    label: str,
    make: Callable[[], Problem],
    inputs: list[str],
    output: str | None,
    black: str,
    white: str,
    quality: int | None,
    overwrite: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run one of the commands; the problem is made after the options are checked."""
    ends: dict[str, Any] = {
        "black": read_end("--black", black),
        "white": read_end("--white", white),
    }
    from restorekit.operations.prior_files import solve_files

    with results_printed(label, as_json=as_json, verbose=verbose) as show:
        outcome = solve_files(
            inputs,
            output,
            make(),
            quality=quality,
            overwrite=overwrite,
            on_file=show,
            **ends,
        )
    conclude(outcome)


def _level(text: str) -> float:
    """The noise level of an option on the scale of [0, 1].

    Raises:
        ArgumentError: it is not a number from 0 to 255.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 255:
        raise ArgumentError(f"--sigma is a number from 0 to 255, not '{text}'")
    return value / 255
