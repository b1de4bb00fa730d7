"""What users and developers read is in plain English: words and phrases that the project avoids."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "pyproject.toml"),
    *("docs", "examples", "benchmarks", "src/restorekit", "tests"),
)
GENERATED = {"_build", "_generated"}
# Former names of arguments, which tests use on purpose.
DATA = {"tests/test_import.py": "'told' is now"}
AVOIDED = {
    r"\btold\b": "given, reported",
    r"\bheed(s|ed)?\b": "uses",
    r"\bnought\b": "zero",
    r", say(?=[,.;:)]| *$)": "for example",
    r"\bbeside\b": "next to, with",
    r"\banew\b": "again",
    r"(?<!\bthere )\b(is|are) no (?!longer\b|more\b|less\b|\w+er\b)[.\w]+": "is not a",
    r"\bwhat is (not|no) [\w ]+ is\b": "name the subject",
    r"\bfor (it|there) (is|are|has|have)\b": "because",
}


def files() -> list[Path]:
    """The files below what is checked."""
    found = []
    for name in CHECKED:
        path = ROOT / name
        assert path.exists(), name
        found += [path] if path.is_file() else sorted(path.rglob("*"))
    texts = (path for path in found if path.suffix in (".md", ".py", ".ipynb", ".toml", ""))
    own = {path for path in texts if path.is_file() and not GENERATED & set(path.parts)}
    return sorted(own - {Path(__file__)})  # this file has the phrases as data


def prose(path: Path) -> str:
    """What a person reads in a file: Markdown without code, comments and texts of Python."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return without_code(text)
    if path.suffix == ".py":
        return prose_of(text)
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        return "\n".join(without_code("".join(cell["source"])) for cell in cells)
    return text


def without_code(markdown: str) -> str:
    """Markdown without its fenced blocks and what is set in code."""
    blocks = re.sub(r"^ *```.*?^ *```$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "x", blocks)


def words_of_python(source: str) -> list[str]:
    """The comments, the texts of several words and the names of the tests of a module.

    Texts of one word may be names. That of a test is a sentence, "test_the_size_stays".
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    texts = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):  # a value within a text counts as a word
            parts = (p.value if isinstance(p, ast.Constant) else "x" for p in node.values)
            texts.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            texts.append(node.name.replace("_", " "))
    return [without_code(text) for text in texts if " " in text]


def avoided(text: str) -> list[str]:
    """The phrases of a text that are avoided, with what to write instead."""
    flat = re.sub(r"\s+", " ", text)
    return [
        f"'{match.group()}': {better}"
        for pattern, better in AVOIDED.items()
        for match in re.finditer(pattern, flat, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_is_plain(path: Path) -> None:
    """None of the avoided words and phrases is in it, except as data of a test."""
    data = DATA.get(path.relative_to(ROOT).as_posix(), "")
    assert avoided(prose(path).replace(data, "")) == []


def test_names_of_tests_are_read_as_sentences() -> None:
    """The underscores are blanks."""
    assert avoided(prose_of("def test_what_is_no_level_is_refused() -> None: ..."))
    assert not avoided(prose_of("def told() -> None: ..."))


def test_a_value_within_a_text_counts_as_a_word() -> None:
    """The parts of an f-string are read together."""
    assert avoided(prose_of('f"{made}, which is no {kind}"'))


def prose_of(source: str) -> str:
    """What a person reads in a module."""
    return "\n".join(words_of_python(source))


@pytest.mark.parametrize(
    "text",
    [
        "what is no level is told in one line",
        "whether it heeds sigma",
        "is no .html, no .png and no folder",
        "stays nought",
        "a microscope's, say.",
        "it is drawn anew",
        "the folder beside it",
    ],
)
def test_the_former_style_is_found(text: str) -> None:
    """Phrases that were in the package are recognised."""
    assert avoided(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no other way.",
        "it is no longer used and is no larger than before",
        "They say so.",
        "`Denoiser.told` is renamed",
    ],
)
def test_plain_phrases_are_not_found(text: str) -> None:
    """Ordinary uses of the same words, and names in code, are accepted."""
    assert not avoided(without_code(text))
