"""The server of the page, as far as it needs no browser."""

from __future__ import annotations

import ast
import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest

import restorekit.app
from restorekit.app.web_server import is_local, serve
from restorekit.cli.main import main
from restorekit.errors import MissingExtraError

ROOM = Path(restorekit.app.__file__).parent


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.8.9.1", True)),
        *(("0.0.0.0", False), ("192.168.1.5", False), ("example.org", False), ("::", False)),
    ],
)
def test_what_others_can_reach(host: str, local: bool) -> None:
    """Only a loopback address is local."""
    assert is_local(host) == local


def test_a_missing_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the extra; neither files nor variables of the environment remain."""
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = dict(os.environ)
    with pytest.raises(MissingExtraError):
        serve()
    assert main(["app", "--no-browser"]) == 2
    assert capsys.readouterr().err == (
        "error: the web page needs gradio; pip install 'restorekit[app]'\n"
    )
    assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "--port is a number from 1 to 65535, not 70000"),
        (["--max-upload", "0"], "--max-upload is at least 1 megabyte, not 0"),
        (["-m", "swift-foto"], "swift-foto: no such weights file. Did you mean 'swift-photo'?"),
        (["-m", "median", "--device", "tpu"], "unknown device 'tpu'"),
    ],
)
def test_mistakes_are_found_before_the_server_starts(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, with exit code 2."""
    assert main(["app", "--no-browser", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1


def test_a_port_that_is_taken_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """So is an address of another computer; both are found before Gradio is imported."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["app", "--no-browser", "--port", str(port)]) == 2
    assert main(["app", "--no-browser", "--host", "203.0.113.1"]) == 2
    taken, warning, foreign = capsys.readouterr().err.splitlines()
    assert taken == f"error: cannot listen at 127.0.0.1, port {port}: address already in use"
    assert warning == "warning: everyone who can reach 203.0.113.1 can use the page"
    assert foreign.startswith("error: cannot listen at 203.0.113.1: ")


def test_gradio_is_imported_by_the_layout_only() -> None:
    """The functions behind the page work without it."""
    importing = {
        path.relative_to(ROOM).parts[0]
        for path in ROOM.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import) and any(name.name == "gradio" for name in node.names)
    }
    assert importing == {"layout"}
