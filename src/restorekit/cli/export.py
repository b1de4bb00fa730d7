"""`restorekit export`: networks for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import ReplaceFile
from restorekit.cli.output import print_line
from restorekit.cli.output_files import check_may_write
from restorekit.errors import ArgumentError

if TYPE_CHECKING:
    from restorekit.runtimes.export import Exported


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Name of weights, a file, a run folder, or a model without weights.",
        ),
    ],
    onnx: Annotated[
        Path | None, typer.Option("--onnx", metavar="FILE", help="Write ONNX (extra 'onnx').")
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option("--torch", metavar="FILE", help="Write a .pt2 file of torch.export."),
    ] = None,
    opset: Annotated[
        int, typer.Option("--opset", metavar="NUMBER", help="ONNX operator set, 18 or higher.")
    ] = 18,
    overwrite: ReplaceFile = False,
) -> None:
    """Export a network for any batch, height and width.

    The exported graph is compared with the original at several sizes, and the largest difference is
    printed. Inputs: noisy (B, C, H, W) in [0, 1] and, if the network uses it, sigma (B, 1, H, W).
    """
    # Before the import of torch.
    if onnx is None and program is None:
        raise ArgumentError("choose a format: --onnx FILE.onnx, --torch FILE.pt2, or both")
    for path in (onnx, program):
        if path is not None:
            check_may_write(path, overwrite)
    from restorekit.runtimes.export import export_onnx, export_torch

    if onnx is not None:
        _print(export_onnx(model, onnx, opset))
    if program is not None:
        _print(export_torch(model, program))


def _print(exported: Exported) -> None:
    sizes = ", ".join("x".join(map(str, size)) for size in exported.sizes)
    print_line(
        f"{exported.path}: {' and '.join(exported.inputs)} in; within {exported.difference:.1e} "
        f"of torch at {sizes} (batch x height x width)"
    )
