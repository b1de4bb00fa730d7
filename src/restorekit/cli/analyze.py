"""`restorekit analyze`: what kind of picture each input is, and what noise it has."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.file_results import print_failure, read_end
from restorekit.cli.options import Black, Inputs, Json, White
from restorekit.cli.output import print_line, print_table
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.operations.analyze_files import FileAnalysis

Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="FILE", help="Write gain and read noise of the camera as JSON."
    ),
]
Dark = Annotated[
    list[str] | None,
    typer.Option(
        "--dark", metavar="FILE", help="Frame without light, once or twice; INPUT is evenly lit."
    ),
]


def analyze(
    inputs: Inputs,
    black: Black = "auto",
    white: White = "auto",
    as_json: Json = False,
    profile: Profile = None,
    dark: Dark = None,
) -> None:
    """Report what kind of picture each input is, and what noise it has.

    A picture that fails does not stop the others. With --json, there is one object for each file.
    With --profile, gain and read noise of the camera are written, for noise, train and denoise
    --noise-curve.
    """
    if profile is not None:
        _write_profile(inputs, dark or [], profile, (black, white))
        return
    if dark:
        raise ArgumentError("--dark is for --profile FILE.json")
    from restorekit.operations.analyze_files import analyze_files
    from restorekit.pictures.folder_walk import describe_unread

    found = analyze_files(
        inputs,
        black=read_end("--black", black),
        white=read_end("--white", white),
        on_file=_print_json if as_json else _print_words,
    )
    if found.unread:
        print_line(f"not read: {describe_unread(Counter(found.unread))}", sys.stderr)
    for result in found.failed:
        print_failure(result.source, result.error)
    if found.failed:
        raise typer.Exit(2)


def _write_profile(inputs: list[str], dark: list[str], profile: str, ends: tuple[str, str]) -> None:
    from restorekit.noise_profile import NoiseProfile
    from restorekit.operations.profile_files import measure_noise_profile

    NoiseProfile.check_path(profile)
    measured = measure_noise_profile(
        inputs, dark, black=read_end("--black", ends[0]), white=read_end("--white", ends[1])
    )
    measured.write(profile)
    for pair in measured.pairs:
        print_line(pair.words)
    print_line(profile)


def _print_words(result: FileAnalysis) -> None:
    for number, page in enumerate(result.pages, 1):
        place = f", page {number}" if len(result.pages) > 1 else ""
        print_line(f"{result.source}{place}")
        print_table(page.words.items())


def _print_json(result: FileAnalysis) -> None:
    data: dict[str, object] = {"input": str(result.source)}
    if result.error is not None:
        data["error"] = " ".join(str(result.error).split())
    data["pages"] = [page.to_dict() for page in result.pages]
    print_line(json.dumps(data, allow_nan=False))
