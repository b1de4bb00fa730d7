"""The pages for readers and their blocks of code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
GENERATED = {"_build", "_generated"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(ROOT / "benchmarks" / "README.md", *sorted(ROOT.glob("examples/*/README.md"))),
    *(path for path in sorted(ROOT.glob("docs/**/*.md")) if not GENERATED & set(path.parts)),
]
# Before a block that a test cannot run: <!-- not run: the reason -->
MARK = r"^ *<!-- not run: (?P<reason>[^\n]+?) -->\n"
FENCE = r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<text>.*?)^ *(?P=fence)$"
BLOCK = re.compile(f"(?:{MARK})?{FENCE}", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page.

    Args:
        place: the page and the line of its first line.
        language: what follows the fence.
        text: its lines.
        reason: why it is not run, or an empty text.
    """

    place: str
    language: str
    text: str
    reason: str


def name_of(page: Path) -> str:
    """The path of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, without directives of Sphinx."""
    return blocks_of(page.read_text("utf-8"), name_of(page))


def blocks_of(markdown: str, name: str = "page.md") -> list[Block]:
    """The fenced blocks of a text, without directives of Sphinx."""
    found = []
    for match in BLOCK.finditer(markdown):
        if match["language"].startswith("{"):
            continue
        line = markdown.count("\n", 0, match.start("text")) + 1
        text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(f"{name}:{line}", match["language"], text, match["reason"] or ""))
    return found


def without_code(markdown: str) -> str:
    """A text without its fenced blocks and what is set in code."""
    return re.sub(r"`[^`\n]+`", "x", BLOCK.sub("", markdown))
