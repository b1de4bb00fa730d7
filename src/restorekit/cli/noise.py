"""`restorekit noise`: pictures corrupted with a registered noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from restorekit.cli.file_results import conclude, read_end, results_printed
from restorekit.cli.options import OUTPUT, Black, Inputs, Settings, Verbose, White
from restorekit.components.expressions import read_object, read_value
from restorekit.errors import ArgumentError


def noise(
    inputs: Inputs,
    output: Annotated[str, OUTPUT],
    noise: Annotated[
        str,
        typer.Option(
            "-n",
            "--noise",
            metavar="NOISE",
            help="A name, or a formula: 'poisson(peak=30) | jpeg(quality=80)'.",
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
    from restorekit.operations.noise_files import add_noise_files

    with results_printed("adding noise", verbose=verbose) as show:
        outcome = add_noise_files(
            inputs,
            output,
            read_spec(noise, settings or []),
            seed=seed,
            black=read_end("--black", black),
            white=read_end("--white", white),
            share=True,
            on_file=show,
            progress=False,  # the command has a bar of its own
        )
    conclude(outcome)


def read_spec(text: str, settings: Sequence[str]) -> dict[str, object]:
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
    # Settings win over the object, as overrides of a configuration do.
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key.strip() or not equals:
            raise ArgumentError(f"setting '{setting}': not of the form key=value")
        spec[key.strip()] = read_value(value)
    return dict(spec)
