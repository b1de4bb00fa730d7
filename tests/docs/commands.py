"""Runs the commands that a page shows.

Commands of restorekit run in this process, those of `torchrun` in one process. Of commands that
install, build or test, the names are checked: packages, extras, files, targets and options.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

from restorekit.cli.main import main
from tests.docs.pages import ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# What makes a command of restorekit a quick one.
SHORT_RUN = ("-s", "train.steps=2")
SMALL_NETWORK = "runs/mine"


def run_commands(text: str) -> None:
    """Run each line; of a transcript, those after a prompt."""
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    for line in lines:
        if words := shlex.split(line, comments=True):
            run_command(words)


def run_command(words: list[str]) -> None:
    """Run or check one command."""
    for start, run in COMMANDS.items():
        if words[: start.count(" ") + 1] == start.split():
            return run(words[start.count(" ") + 1 :])
    raise AssertionError(f"unknown command {words}: teach it to {Path(__file__).name}")


def run_restorekit(words: list[str]) -> None:
    """Run a command of restorekit, with a short run, or a small network where one is exported."""
    if words[0] in ("train", "sweep"):
        words = [*words, *SHORT_RUN]
    elif words[0] == "export":
        words = [words[0], SMALL_NETWORK, *words[2:]]
    elif "--runtime" in words:
        words = [*words, "-m", SMALL_NETWORK]
    assert main(words) == 0, words


def run_in_one_process(words: list[str]) -> None:
    """Run what `torchrun` would start in several processes."""
    assert words[0] == "--nproc-per-node", words
    run_command(words[2:])


def check_install(words: list[str]) -> None:
    """Each package is restorekit or a folder, and has the extras."""
    plain = [word for word in words if not word.startswith("-")]
    options = {words[words.index(each) + 1] for each in ("-c", "--torch-backend") if each in words}
    for what in set(plain) - options:
        name, _, extras = what.rstrip("]").partition("[")
        places = (ROOT / name, ROOT / "examples" / name, Path(name))
        files = [place / "pyproject.toml" for place in places if name != PROJECT["name"]]
        file = next(filter(Path.is_file, files), None if files else ROOT / "pyproject.toml")
        assert file is not None, words
        found = tomllib.loads(file.read_text("utf-8"))["project"]
        assert set(extras.split(",")) <= {"", *found["optional-dependencies"]}, words


def check_make(words: list[str]) -> None:
    """The target and the variables are in the Makefile."""
    for word in words:
        variable, assigned, _ = word.partition("=")
        pattern = rf"^{variable} \?=" if assigned else rf"^{word}:"
        assert re.search(pattern, MAKEFILE, re.MULTILINE), word


def check_module(words: list[str]) -> None:
    """The module is installed."""
    assert importlib.util.find_spec(words[0]) is not None, words


def check_code(words: list[str]) -> None:
    """Run the code of `python -c`."""
    exec(compile(words[0], "python -c", "exec"), {})


def check_script(words: list[str]) -> None:
    """The script exists and has the options."""
    source = (ROOT / words[0]).read_text("utf-8")
    for option in (word for word in words if word.startswith("--")):
        assert f'"{option}"' in source, words


def check_paths(words: list[str]) -> None:
    """The files and folders exist."""
    for word in words:
        assert Path(word).exists(), words


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "restorekit": run_restorekit,
    "torchrun": run_in_one_process,
    "uvx --from . restorekit": run_restorekit,
    "-m restorekit": run_restorekit,
    "pip install": check_install,
    "pipx install": check_install,
    "uv pip install": check_install,
    "make": check_make,
    "python -m": check_module,
    "python -c": check_code,
    "python": check_script,
    "pytest": check_paths,
}
