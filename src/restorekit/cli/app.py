"""`restorekit app`: a web page on this computer that restores pictures."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from restorekit.cli.options import Device
from restorekit.cli.output import print_labelled, print_line
from restorekit.errors import ArgumentError


def app(
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port; the first free one from 7860.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", metavar="MODEL", help="Offer a file, run or model too."),
    ] = None,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="FOLDER", help="Folder of training runs to follow.")
    ] = Path("runs"),
    max_upload: Annotated[
        int, typer.Option("--max-upload", metavar="MB", help="Largest upload, in megabytes.")
    ] = 200,
    device: Device = "auto",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page in a browser.")
    ] = False,
) -> None:
    """Open a web page that restores pictures.

    The page runs on this computer and sends nothing elsewhere. Ctrl-C ends it. Uploaded pictures
    and results are then removed.
    """
    if port is not None and not 1 <= port <= 65535:
        raise ArgumentError(f"--port is a number from 1 to 65535, not {port}")
    if max_upload < 1:
        raise ArgumentError(f"--max-upload is at least 1 megabyte, not {max_upload}")
    from restorekit.app.web_server import is_local, serve

    if not is_local(host):
        print_labelled("warning", f"everyone who can reach {host} can use the page")
    number = serve(
        host=host,
        port=port,
        max_upload=max_upload,
        models=tuple(model or ()),
        runs=runs,
        device=device,
        open_browser=not no_browser,
        on_start=lambda address: print_line(f"{address} (Ctrl-C ends it)"),
    )
    # Ctrl-C is the way to end it.
    raise typer.Exit(0 if number == signal.SIGINT else 128 + number)
