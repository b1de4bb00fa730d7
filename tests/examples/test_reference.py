"""The generated parts of the documentation."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from restorekit.cli.main import app, main
from restorekit.components.kinds import REGISTRIES
from restorekit.config.train_config import TrainConfig
from restorekit.config.train_settings import TrainSettings
from restorekit.weights import list_weights, read_card

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference() -> Iterator[ModuleType]:
    """The Sphinx extension that writes them."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "_ext" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        spec.loader.exec_module(module)
        yield module


def test_every_key_has_a_row_with_its_meaning(reference: ModuleType) -> None:
    """Each key of the configuration has the description of its field."""
    text = reference.configuration()
    for fields in (TrainConfig.model_fields, TrainSettings.model_fields):
        for key, field in fields.items():
            if key != "train":
                row = next(line for line in text.splitlines() if line.startswith(f"| `{key}`"))
                assert field.description in row


def test_every_component_has_a_section_with_all_its_arguments(reference: ModuleType) -> None:
    """Every component is there, and every argument has a row with a description."""
    for registry in REGISTRIES.values():
        (kind,) = re.findall(
            rf"^## {registry.title}\n(.*?)(?=^## |\Z)", reference.components(), re.M | re.S
        )
        sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", kind, re.M | re.S))
        for name in registry.names():
            for argument in registry.describe(name).arguments:
                row = re.search(rf"^\| `{argument.name}` \|.*\| (.*) \|$", sections[name], re.M)
                assert row is not None, (name, argument.name)
                if registry.get(name).__module__.startswith("restorekit."):
                    assert row[1], f"{name}: argument '{argument.name}' is not described"


def test_every_kind_has_its_hook_and_its_names(reference: ModuleType) -> None:
    """The tables on the pages about plugins and Python have a row for each kind."""
    for registry in REGISTRIES.values():
        assert f"| `restorekit_{registry.plural}` | {registry.contract} |" in reference.hooks()
        assert registry.contract
        assert f"`create_{registry.kind}(name, **arguments)`" in reference.shortcuts()
        assert f"`list_{registry.plural}()`" in reference.shortcuts()


def test_each_page_that_includes_generated_text_names_a_file_that_is_written(
    reference: ModuleType,
) -> None:
    """The names on the pages are those of the functions that make the files."""
    for page in DOCS.glob("*.md"):
        for name in re.findall(r"_generated/(\w+)\.md", page.read_text(encoding="utf-8")):
            assert callable(getattr(reference, name))


def test_every_bundled_weight_has_its_card(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The noise, the limits and the PSNR of the card are listed under its name."""
    monkeypatch.delenv("RESTOREKIT_WEIGHTS", raising=False)
    text = reference.weights()
    for name in list_weights():
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        card = read_card(name)
        assert card["limits"] in section
        assert card["noise_range"] in section
        for figures in card["psnr"].values():
            assert all(f"{value:.2f} dB" in section for value in figures.values())


def test_every_command_has_a_section_with_what_its_help_shows(
    reference: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its options and the words that describe them, whatever the width of the lines."""
    text = reference.command_line()
    names = [command.name for command in app.registered_commands]
    assert re.findall(r"^## restorekit (.*)$", text, re.MULTILINE) == names
    for name in names:
        section = text.split(f"## restorekit {name}\n")[1].split("\n## ")[0]
        assert main([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert set(re.findall(r"--[a-z][a-z-]+", section)) == set(
            re.findall(r"--[a-z][a-z-]+", shown)
        )
        for row in re.findall(r"^\| `.*` \| (.*) \|$", section, re.MULTILINE):
            assert row.replace("\\|", "|") in " ".join(shown.split())
