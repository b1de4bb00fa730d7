"""`restorekit noise`: pictures corrupted with a registered noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from restorekit.cli.output import Settings
from restorekit.cli.picture_processing import (
    OUTPUT,
    Black,
    Inputs,
    Verbose,
    White,
    process_with_progress,
    read_range,
)
from restorekit.config.expressions import read_object, read_value
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.pictures.picture import Picture
    from restorekit.pictures.processing.one_file import PagePlace


def noise(
    inputs: Inputs,
    output: Annotated[str, OUTPUT],
    noise: Annotated[
        str,
        typer.Option(
            "-n", "--noise", metavar="NOISE", help='A name, or {"name": ..., argument: ...}.'
        ),
    ],
    settings: Settings = None,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of the noise.")] = 0,
    black: Black = "auto",
    white: White = "auto",
    verbose: Verbose = False,
) -> None:
    """Add noise to pictures or folders of pictures.

    -s std=0.1 sets an argument of the noise, on a scale with black 0 and white 1. The results keep
    their bit depth and transparency. The same seed gives the same results.
    """
    spec = read_spec(noise, settings or [])
    ends = read_range(black, white)
    from restorekit.components.kinds import noises
    from restorekit.pictures.processing.file_plan import plan_outputs
    from restorekit.pictures.processing.one_file import WriteOptions, one_at_a_time
    from restorekit.pictures.processing.worker import Worker

    plan = plan_outputs(inputs, output)
    corruption = Corruption(noises.build(spec), seed)
    process_with_progress(
        plan,
        one_at_a_time(corruption),
        "adding noise",
        writing=WriteOptions(black=ends[0], white=ends[1]),
        worker=Worker.of_environment(),
        verbose=verbose,
    )


class Corruption:
    """A noise on one picture after the other, each with randomness of its own place.

    Args:
        noise: a noise model.
        seed: what its randomness is derived from.
    """

    def __init__(self, noise: Any, seed: int) -> None:
        self.noise, self.seed = noise, seed

    def __call__(self, picture: Picture, place: PagePlace) -> Picture:
        """The picture with noise, of the same size and depth."""
        import torch

        from restorekit.pictures.tensors import pixels_to_tensor, tensor_to_pixels
        from restorekit.records import degrade
        from restorekit.seeding import derive_generator

        at = (place.number,) if place.page == 0 else (place.number, place.page)
        generator = derive_generator(self.seed, "cli-noise", *at)
        with torch.no_grad():
            clean = pixels_to_tensor(picture.pixels, picture.white, picture.black)[None]
            noisy = degrade(self.noise, clean, generator).noisy[0]
        pixels = tensor_to_pixels(noisy, picture.pixels.dtype, picture.white, picture.black)
        return replace(picture, pixels=pixels)


def read_spec(text: str, settings: Sequence[str]) -> dict[str, Any]:
    """A component's name or JSON object, with "key=value" arguments added.

    Raises:
        ArgumentError: the object is not valid JSON, or a setting has no "=".
    """
    spec: Any = {"name": text}
    if text.lstrip().startswith("{"):
        try:
            spec = read_object(text)
        except ArgumentError as error:
            raise ArgumentError(f"--noise: {error}") from error
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key.strip() or not equals:
            raise ArgumentError(f"setting '{setting}': not of the form key=value")
        spec[key.strip()] = read_value(value)
    return dict(spec)
