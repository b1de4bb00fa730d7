"""A fresh environment for packages, which uses the installed torch and downloads nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
_OFFLINE = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir")


def pip(*words: str | Path) -> None:
    """Run pip offline."""
    subprocess.run(
        [sys.executable, "-m", "pip", *words],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )


def build_wheel(folder: Path) -> Path:
    """The wheel of restorekit, built from this source."""
    pip("wheel", *_OFFLINE, "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


class FreshEnvironment:
    """A virtual environment with the wheel of restorekit and other packages.

    What else is installed for these tests can be imported, after its own packages.

    Args:
        folder: where it is made.
        wheel: the wheel of restorekit.
        projects: further packages, as folders.
        more: further folders of packages that can be imported.
    """

    def __init__(self, folder: Path, wheel: Path, *projects: Path, more: str = "") -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        base = {"base": str(folder), "platbase": str(folder)}
        self.packages = Path(sysconfig.get_path("purelib", "posix_prefix", base))
        shared = [*filter(None, more.split(os.pathsep)), sysconfig.get_path("purelib")]
        # Read by Python when it starts. The editable restorekit there has a file of its own of this
        # kind, which is not read.
        (self.packages / "shared.pth").write_text("\n".join(shared))
        pip("--python", self.python, "install", *_OFFLINE, wheel, *projects)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RESTOREKIT", "PYTHON"))},
            "RESTOREKIT_STRICT_PLUGINS": "1",
        }

    def run(self, *words: str, cwd: Path, **environment: str) -> str:
        """The output of a process of its Python, which must succeed."""
        done = self.process(words, cwd, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def restorekit(self, *words: str, cwd: Path, **environment: str) -> str:
        """The output of the command line."""
        program = str(self.python.with_name("restorekit"))
        return self.run(program, *words, cwd=cwd, **environment)

    def pytest(self, project: Path, cwd: Path) -> str:
        """The output of the tests of a package, which must pass."""
        options = ("-q", "-p", "no:cacheprovider", "-c", str(project / "pyproject.toml"))
        return self.run("-m", "pytest", *options, str(project / "tests"), cwd=cwd)

    def process(
        self, words: tuple[str, ...], cwd: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A finished process of its Python."""
        return subprocess.run(
            [self.python, *words],
            cwd=cwd,
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
