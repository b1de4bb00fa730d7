"""Every block of code on the pages works: in order, in a folder with what the reader has.

A block that cannot run here has a line with the reason before it: `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from restorekit.cli.main import main
from restorekit.components.kinds import REGISTRIES
from restorekit.testing import temporary_plugin
from tests.docs.commands import run_commands
from tests.docs.pages import PAGES, ROOT, Block, blocks, blocks_of, name_of
from tests.docs.readers_folder import SMALL_RUN, fill

OUTPUT = ("text",)  # what a program prints, and trees of files


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader, to copy."""
    folder = tmp_path_factory.mktemp("reader")
    fill(folder)
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working directory."""
    copy = tmp_path / "reader"
    shutil.copytree(filled, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture(autouse=True)
def _process_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What blocks register and log stays in their test."""
    for registry in REGISTRIES.values():
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    logger = logging.getLogger("restorekit")
    level = logger.level
    yield
    logger.setLevel(level)


def shortened(text: str) -> str:
    """The same text with training runs of a few small steps."""
    text = re.sub(r'(steps"?\s*[=:]\s*)\d+', r"\g<1>2", text)
    return text.replace('"width": 32', '"width": 4')


def train(text: str) -> None:
    """Train as JSON states; a part of a configuration, or a noise, completes a small run."""
    shown = json.loads(shortened(text))
    if "name" in shown:
        shown = {"noise": shown}
    config = SMALL_RUN | shown | {"train": SMALL_RUN["train"] | shown.get("train", {})}
    Path("config.json").write_text(json.dumps(config))
    assert main(["train", "config.json"]) == 0


RUN: dict[str, Callable[[Block, dict[str, Any]], None]] = {
    "python": lambda block, names: exec(compile(shortened(block.text), block.place, "exec"), names),
    "shell": lambda block, _: run_commands(block.text),
    "bash": lambda block, _: run_commands(block.text),
    "console": lambda block, _: run_commands(block.text),
    "json": lambda block, _: train(block.text),
    "toml": lambda block, _: tomllib.loads(block.text) and None,
}
WITH_CODE = [page for page in PAGES if any(block.language in RUN for block in blocks(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_every_block_of_a_page_works_in_order(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python runs, commands succeed and JSON trains, one block after the other."""
    names: dict[str, Any] = {"__name__": "page"}
    with package_of(page, monkeypatch):
        for block in blocks(page):
            if block.language in RUN and not block.reason:
                try:
                    RUN[block.language](block, names)
                except BaseException as error:
                    error.add_note(f"in the block at {block.place}")
                    raise


@contextlib.contextmanager
def package_of(page: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For the page of a plugin, as if its package were installed and its folder the reader's."""
    if not (page.parent / "pyproject.toml").is_file() or page.parent == ROOT:
        yield
        return
    shutil.copytree(page.parent, ".", dirs_exist_ok=True)
    monkeypatch.syspath_prepend(page.parent / "src")
    module = f"{page.parent.name.replace('-', '_')}.restorekit_plugin"
    if (page.parent / "src" / module.replace(".", "/")).with_suffix(".py").is_file():
        with temporary_plugin(importlib.import_module(module)):
            yield
    else:
        yield


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_has_a_language_that_is_run_or_is_output(page: Path) -> None:
    """A block of another language would not be checked."""
    assert [b.place for b in blocks(page) if b.language not in (*RUN, *OUTPUT)] == []
    text = page.read_text("utf-8")
    marked = re.findall("^ *<!-- not run", text, re.MULTILINE)
    assert len(marked) == sum(bool(block.reason) for block in blocks(page))


def test_blocks_are_found_with_their_reason() -> None:
    """Also in lists and after other blocks; directives are not code."""
    text = (
        "```python\n1\n```\n\n```{include} x\n```\n1. a\n\n"
        "   <!-- not run: needs a GPU -->\n   ```shell\n   make gpu\n   ```\n"
    )
    assert blocks_of(text) == [
        Block("page.md:2", "python", "1\n", ""),
        Block("page.md:11", "shell", "make gpu\n", "needs a GPU"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "restorekit denoise no-such-file.jpg",
        "pip install 'restorekit[no-such-extra]'",
        "pip install no-such-package",
        "make no-such-target",
        "make gpu NO_SUCH_VARIABLE=1",
        "python examples/no_such_script.py",
        "python examples/demo.py --no-such-option",
        "no-such-command",
    ],
)
def test_a_wrong_command_is_noticed(line: str, folder: Path) -> None:
    """Else the pages could show anything."""
    with pytest.raises((AssertionError, OSError)):
        run_commands(line)
