"""Installed distributions with plugins, for tests: a folder for the path of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAD = "from restorekit import Component, hookimpl\n"


def noises(body: str) -> str:
    """A module whose noise hook has this body."""
    return f"{HEAD}\n@hookimpl\ndef restorekit_noises():\n    {body}\n"


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self, name: str, source: str, *, entry: str = "", attribute: str = "", metadata: bool = True
    ) -> None:
        """Install a distribution of one module, version 1.0, with one entry point."""
        module = name.replace("-", "_") + "_module"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(
            f"[restorekit]\n{entry or name} = {module}{attribute}\n"
        )
        if metadata:
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            (info / "METADATA").write_text(text)
            (info / "RECORD").write_text(f"{module}.py,,\n")

    def run(self, code: str, *options: str, **environment: str) -> Any:
        """The JSON in the last line of a new process that has the folder on its path."""
        done = subprocess.run(
            [sys.executable, *options, "-c", code],
            env={**self.environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def environment(self) -> dict[str, str]:
        """The environment of this process, with the folder on the path, without our variables."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RESTOREKIT_")}
        return {**clean, "PYTHONPATH": self.path()}

    def path(self) -> str:
        """The path of Python with the folder in front."""
        before = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        return os.pathsep.join([str(self.folder), *(str(Path(each).absolute()) for each in before)])
