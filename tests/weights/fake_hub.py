"""A server that answers as the Hugging Face Hub does, for repositories in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeHub:
    """Repositories: their files by branch, and what was asked for.

    Attributes:
        files: contents by repository, revision and name of the file.
        asked: method and path of each request.
        wrong: the body of a download is changed.
    """

    files: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    wrong: bool = False
    address: str = ""

    def put(self, repository: str, name: str, content: bytes, revision: str = "main") -> None:
        """Add a file."""
        self.files.setdefault(repository, {}).setdefault(revision, {})[name] = content

    def commit(self, repository: str, revision: str) -> str:
        """The commit of a revision: a digest of its files."""
        text = "".join(f"{k}{v!r}" for k, v in sorted(self.files[repository][revision].items()))
        return hashlib.sha1(text.encode()).hexdigest()

    def revision(self, repository: str, given: str) -> str | None:
        """The branch that a revision or commit stands for."""
        branches = self.files[repository]
        return next((b for b in branches if given in (b, self.commit(repository, b))), None)

    @property
    def downloads(self) -> int:
        """How many files were downloaded."""
        return sum(line.startswith("GET ") and "/resolve/" in line for line in self.asked)


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """Serve it on this machine within the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(hub, self)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(hub: FakeHub, request: BaseHTTPRequestHandler) -> None:
    path = request.path.partition("?")[0]
    hub.asked.append(f"{request.command} {path}")
    length = int(request.headers.get("Content-Length") or 0)
    body = request.rfile.read(length)
    if path == "/api/validate-yaml":
        return _send(request, {"errors": [], "warnings": []})
    if path == "/api/repos/create":
        made = json.loads(body)
        name = (
            f"{made['organization']}/{made['name']}" if made.get("organization") else made["name"]
        )
        hub.files.setdefault(name, {}).setdefault("main", {})
        return _send(request, {"url": f"{hub.address}/{name}", "private": made.get("private")})
    found = re.fullmatch(r"(?:/api/models)?/([^/]+/[^/]+)/(\w+)/([^/]+)(?:/(.+))?", path)
    if found is None or found[1] not in hub.files:
        return _send(request, {"error": "no"}, 404, {"X-Error-Code": "RepoNotFound"})
    repository, verb, given, file = found.groups()
    if verb == "branch":
        hub.files[repository].setdefault(given, {})
        return _send(request, {})
    revision = hub.revision(repository, given)
    if revision is None:
        return _send(request, {"error": "no"}, 404, {"X-Error-Code": "RevisionNotFound"})
    files = hub.files[repository][revision]
    if verb == "preupload":
        wanted = [each["path"] for each in json.loads(body)["files"]]
        answers = [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in wanted]
        return _send(request, {"files": answers})
    if verb == "commit":
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                content = base64.b64decode(entry["value"]["content"])
                hub.put(repository, entry["value"]["path"], content, revision)
        commit = hub.commit(repository, revision)
        url = f"{hub.address}/{repository}/commit/{commit}"
        return _send(request, {"success": True, "commitOid": commit, "commitUrl": url})
    if verb == "resolve":
        content = files[file]
        headers = {
            "X-Repo-Commit": hub.commit(repository, revision),
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
        }
        return _send_bytes(request, content[::-1] if hub.wrong else content, headers)
    siblings = [
        {
            "rfilename": name,
            "size": len(content),
            "lfs": {
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "pointerSize": 100,
            },
        }
        for name, content in files.items()
    ]
    info = {"id": repository, "sha": hub.commit(repository, revision), "siblings": siblings}
    return _send(request, info)


def _send(
    request: BaseHTTPRequestHandler,
    answer: object,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> None:
    _send_bytes(request, json.dumps(answer).encode(), headers or {}, status)


def _send_bytes(
    request: BaseHTTPRequestHandler, content: bytes, headers: dict[str, str], status: int = 200
) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(content))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)
