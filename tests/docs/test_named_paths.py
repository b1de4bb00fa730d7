"""The pages for developers name files, modules and make targets that exist."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "restorekit"
PAGES = [
    *(ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "benchmarks" / "README.md"),
    *(ROOT / "docs" / "architecture.md", ROOT / "docs" / "releasing.md"),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    *sorted((ROOT / "docs" / "development").glob("*.md")),
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PLACEHOLDER = "NAME"  # what the reader chooses
BLOCK = re.compile(r"^ *```\w*\n.*?^ *```$", re.MULTILINE | re.DOTALL)


def quoted(page: Path) -> Iterator[str]:
    """What a page sets in code, outside of fenced blocks."""
    return iter(re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text("utf-8"))))


def is_path(words: str) -> bool:
    """Whether code names a file or folder of the repository."""
    if not re.fullmatch(r"[\w./-]+", words) or PLACEHOLDER in words:
        return False
    return "/" in words or words.endswith((".py", ".md", ".toml", ".yml", ".cff", ".txt"))


def exists(path: str) -> bool:
    """Whether a path is there, from the repository, the package or the benchmarks."""
    return any((folder / path).exists() for folder in (ROOT, PACKAGE, ROOT / "benchmarks"))


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[count:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request: pytest.FixtureRequest) -> Path:
    """Each page in turn."""
    path: Path = request.param
    return path


def test_a_missing_name_would_be_seen() -> None:
    """Else nothing below could fail."""
    assert is_path("train/trainer.py")
    assert exists("train/trainer.py")
    assert not exists("train/no_such_file.py")
    assert not resolves("restorekit.no_such_name")


def test_every_path_is_there(page: Path) -> None:
    """Files and folders that a page names exist."""
    assert [words for words in quoted(page) if is_path(words) and not exists(words)] == []


def test_every_module_is_there(page: Path) -> None:
    """Modules, classes and functions named with their module exist."""
    named = [words for words in quoted(page) if re.fullmatch(r"restorekit(\.\w+)+", words)]
    assert [name for name in named if not resolves(name)] == []


def test_every_target_is_there(page: Path) -> None:
    """`make x` names a target of the Makefile, in prose and in blocks."""
    lines = [*quoted(page), *"\n".join(BLOCK.findall(page.read_text("utf-8"))).splitlines()]
    called = {line.split()[1] for line in lines if line.lstrip().startswith("make ")}
    assert called <= TARGETS


def test_every_room_has_a_row() -> None:
    """The table of the architecture names each room of the package."""
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("Reasons:")[0]
    named = set(re.findall(r"`([\w.]+)`", table))
    rooms = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - named <= {"__pycache__", "pretrained", "version.py"}
