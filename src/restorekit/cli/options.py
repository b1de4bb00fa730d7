"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from restorekit.devices import PRECISIONS

# Strings, since an empty path would become that of the current folder.
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT", help="Pictures or folders.")]
OUTPUT = typer.Option("-o", "--output", metavar="OUTPUT", help="A picture or a folder ('out/').")
Black = Annotated[str, typer.Option("--black", metavar="N", help="Value of black, or auto.")]
White = Annotated[str, typer.Option("--white", metavar="N", help="Value of white, or auto.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="List metadata that was left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("-s", "--set", metavar="KEY=VALUE", help="Set an argument; can be repeated."),
]
Precision = Annotated[
    str, typer.Option("--precision", metavar="NAME", help=f"{', '.join(PRECISIONS)}.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
]
ReplaceFile = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]
