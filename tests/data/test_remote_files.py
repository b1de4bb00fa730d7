"""Shards that are given by address, from a server of the test."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import fsspec
import pytest
from PIL import Image

from restorekit import ArgumentError, DataError, create_dataset
from restorekit.data.remote_files import local_copies
from restorekit.data.shards import Shards
from restorekit.errors import MissingExtraError


class Server(ThreadingHTTPServer):
    """A folder on the web, and the files that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


def write_shard(path: Path, pictures: int) -> None:
    with tarfile.open(path, "w") as archive:
        for number in range(pictures):
            data = io.BytesIO()
            Image.new("RGB", (8, 8), (number, 0, 0)).save(data, "PNG")
            member = tarfile.TarInfo(f"{number}.png")
            member.size = data.tell()
            data.seek(0)
            archive.addfile(member, data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Three shards with one, two and three pictures."""
    folder = tmp_path / "served"
    folder.mkdir()
    for number in range(3):
        write_shard(folder / f"part-{number:02d}.tar", number + 1)
    with Server(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_shards_are_copied_once(server: Server, tmp_path: Path) -> None:
    """A range of numbers stands for several; a second run needs no server."""
    cache = tmp_path / "cache"
    dataset = Shards(f"{server.address}/part-{{00..02}}.tar", 8, cache=str(cache))
    assert [path.name for path in dataset.shards] == [f"part-0{n}.tar" for n in range(3)]
    assert len(dataset) == 6
    assert [dataset.block(index) for index in range(6)] == [0, 1, 1, 2, 2, 2]
    assert sorted(server.asked) == [f"/part-0{n}.tar" for n in range(3)]
    server.shutdown()
    server.server_close()
    assert len(Shards(f"{server.address}/part-{{00..02}}.tar", 8, cache=str(cache))) == 6


def test_processes_that_share_a_folder_copy_once(server: Server, tmp_path: Path) -> None:
    """Here threads, which open the lock separately as processes do."""
    address, cache = f"{server.address}/part-00.tar", str(tmp_path / "cache")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: local_copies(address, cache), range(4)))
    assert len({str(paths) for paths in found}) == 1
    assert server.asked == ["/part-00.tar"]


def test_files_of_one_name_from_two_folders(server: Server, tmp_path: Path) -> None:
    """Also if only the query differs. Local paths stay as they are."""
    cache = str(tmp_path / "cache")
    given = [f"{server.address}/part-00.tar", f"{server.address}/part-00.tar?version=2", "a.tar"]
    found = local_copies(given, cache)
    assert len(set(found)) == 3
    assert found[2] == "a.tar"
    assert local_copies("folder", None) == "folder"


def test_the_checksum_is_compared(server: Server, tmp_path: Path) -> None:
    """A file with another one is not kept."""
    right = hashlib.sha256((server.folder / "part-01.tar").read_bytes()).hexdigest()
    address, cache = f"{server.address}/part-01.tar", tmp_path / "cache"
    with pytest.raises(DataError, match=f"has the SHA-256 {right}, not 0000"):
        local_copies(f"{address}#sha256={'0' * 64}", str(cache))
    assert not list(cache.rglob("*.tar"))
    assert local_copies(f"{address}#sha256={right.upper()}", str(cache)) == local_copies(
        address, str(cache)
    )


def test_a_transfer_that_breaks_off_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends after half of the file."""

    def half(self: Handler) -> None:
        data = (server.folder / self.path.strip("/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])

    monkeypatch.setattr(Handler, "do_GET", half)
    cache = tmp_path / "cache"
    with pytest.raises(DataError, match=r"/part-02\.tar' cannot be read: ") as caught:
        Shards(f"{server.address}/part-02.tar", cache=str(cache))
    assert "\n" not in str(caught.value)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == [".lock"]


def test_the_size_is_compared(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says one size and sends another."""

    def short(self: Handler) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 10)

    monkeypatch.setattr(Handler, "do_GET", short)
    with pytest.raises(DataError, match=r"part-02\.tar' has [\d,]+ bytes, but 10 arrived"):
        local_copies(f"{server.address}/part-02.tar", str(tmp_path))


def test_an_address_that_does_not_answer_is_named(server: Server, tmp_path: Path) -> None:
    """A missing file, a server that is not there, and a folder that cannot be written."""
    with pytest.raises(DataError, match=r"/part-09\.tar' cannot be read: .*404"):
        Shards(f"{server.address}/part-09.tar", cache=str(tmp_path / "cache"))
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be copied to '.*file'"):
        Shards(f"{server.address}/part-00.tar", cache=str(tmp_path / "file"))
    server.shutdown()
    server.server_close()
    with pytest.raises(DataError, match=r"part-00\.tar' cannot be read: .*Connect") as caught:
        Shards(f"{server.address}/part-00.tar", cache=str(tmp_path / "cache"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "cache", "problem"),
    [
        ("http://x.test/a.tar", None, "needs 'cache', the folder for copies"),
        ("ftp://x.test/a.tar", "cache", "begins with http, https, s3"),
        ("https://x.test/*.tar", "cache", r"write a range, such as \{000\.\.099\}"),
        ("https://x.test/{9..2}.tar", "cache", r"the range \{9\.\.2\} is empty or too long"),
        ("https://x.test/{0..99999999}.tar", "cache", "empty or too long"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, cache: str | None, problem: str) -> None:
    """Nothing is asked of any server."""
    with pytest.raises(ArgumentError, match=problem):
        create_dataset("shards", path=address, cache=cache)


def test_two_ranges_in_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every combination, each with the leading zeros of the first number; from S3."""
    copied = []

    def get_file(address: str, target: str) -> None:
        copied.append(address)
        Path(target).write_bytes(b"x")

    system = SimpleNamespace(info=lambda _: {"size": 1}, get_file=get_file)
    systems: Any = {"s3": system}
    monkeypatch.setitem(sys.modules, "s3fs", ModuleType("s3fs"))
    monkeypatch.setattr(fsspec, "filesystem", systems.__getitem__)
    assert len(local_copies("s3://data/{1..2}/{08..10}.tar", str(tmp_path))) == 6
    assert copied == [f"s3://data/{a}/{b}.tar" for a in (1, 2) for b in ("08", "09", "10")]


def test_the_package_for_an_address_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, scheme, extra in (("aiohttp", "https", "remote"), ("s3fs", "s3", "s3")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError, match=rf"needs {module}; .*\[{extra}\]'"):
            local_copies(f"{scheme}://x.test/a.tar", str(tmp_path))
