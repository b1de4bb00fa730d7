"""The server of the web page: local, without telemetry, and with files that it removes."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from restorekit.app.restoring_settings import RestoringSettings, denoiser_for, resolve_models
from restorekit.app.session_files import SessionFiles
from restorekit.errors import ArgumentError
from restorekit.extras import needs
from restorekit.restore.denoise_options import DEFAULT_MODEL
from restorekit.signal_handlers import existing_signals, handling_signals

LOCAL = "127.0.0.1"


def serve(
    *,
    host: str = LOCAL,
    port: int | None = None,
    max_upload: int = 200,
    models: tuple[str, ...] = (),
    runs: Path = Path("runs"),
    device: str = "auto",
    open_browser: bool = False,
    on_start: Callable[[str], None] = lambda _: None,
) -> int:
    """Serve the page until a signal ends it.

    Args:
        host: the address to listen at; the default can be reached from this computer only.
        port: the port; None takes the first free one from 7860 on.
        max_upload: the largest upload in megabytes.
        models: models besides the named weights: files, folders of runs, "median".
        runs: the folder below which training runs are found.
        device: where networks run.
        open_browser: whether to open the page in a browser.
        on_start: called with the address of the page when it can be visited.

    Returns:
        The number of the signal.

    Raises:
        MissingExtraError: Gradio is not installed.
        ArgumentError: the port is not free, or the address is not of this computer.
        CheckpointError: a model cannot be loaded.
        InputError: the device is not available.
    """
    _check_address(host, port)
    offered = resolve_models(models)
    for model in (DEFAULT_MODEL, *(name for _, name in offered)):
        denoiser_for(RestoringSettings(model, device=device))
    # The folder is private, and is removed with what is in it however the server ends.
    with (
        TemporaryDirectory(prefix="restorekit-app-", ignore_cleanup_errors=True) as root,
        _environment(_settings(Path(root), host)),
        _ending() as ended,
    ):
        needs("gradio", "app", "the web page")
        from restorekit.app.layout.controls import PageOptions
        from restorekit.app.layout.page import STYLE, build_page, page_theme

        files = SessionFiles(Path(root))
        page = build_page(PageOptions(files, offered, runs, device))
        try:
            _, address, _ = page.launch(
                server_name=host,
                server_port=port,
                max_file_size=f"{max_upload}mb",
                inbrowser=open_browser,
                theme=page_theme(),
                css=STYLE,
                share=False,
                quiet=True,
                prevent_thread_lock=True,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                run_history=False,
                footer_links=[],
            )
        except OSError as error:
            raise ArgumentError(f"{host} has no free port; give one with --port") from error
        try:
            on_start(address)
            return ended()
        finally:
            page.close(verbose=False)


def is_local(host: str) -> bool:
    """Whether an address to listen at can be reached from this computer only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_address(host: str, port: int | None) -> None:
    """Check that the server can listen, before Gradio is imported, which takes seconds."""
    try:
        found = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.create_server(found[4][:2], family=found[0]):
            pass
    except OSError as error:
        where = host if port is None else f"{host}, port {port}"
        reason = (error.strerror or str(error)).partition(" (")[0].lower()
        raise ArgumentError(f"cannot listen at {where}: {reason}") from error


def _settings(root: Path, host: str) -> Mapping[str, str]:
    """The environment in which Gradio runs."""
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), host, "localhost"]))
    return {
        "GRADIO_TEMP_DIR": str(root / "files"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # Gradio asks its own server whether it runs, which a proxy cannot reach.
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment within the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _ending() -> Iterator[Callable[[], int]]:
    """A function that waits for a signal to end the program and returns its number."""
    arrived = threading.Event()
    numbers: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        numbers.append(number)
        arrived.set()

    def wait() -> int:
        while not arrived.wait(0.2):  # in short parts, because a wait can hold signals back
            pass
        return numbers[0]

    with handling_signals(existing_signals("SIGINT", "SIGTERM", "SIGHUP"), note):
        yield wait
