"""A kind of component is declared in one line; everything else follows from the declaration."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import restorekit
from restorekit.components.registry import Registry
from restorekit.errors import ArgumentError
from tests.components.plugin_site import HEAD, Site

ROOT = Path(restorekit.__file__).parent
LINE = """spices = Registry("spice", contract="`spice(image)` returns an image")\n"""
PLUGIN = (
    HEAD
    + """
class Pepper:
    \"\"\"Hot.

    Args:
        scale: in Scoville units.
    \"\"\"
    def __init__(self, scale: int = 5) -> None:
        self.scale = scale

    def __call__(self, image):
        return image

@hookimpl
def restorekit_spices():
    return Component("pepper", Pepper, "hot")
"""
)
USE = """
import contextlib, io, json
import restorekit
from restorekit.cli.main import main

def said(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0, words
    return out.getvalue()

print(json.dumps({
    "list": said("list", "spices"),
    "list all": json.loads(said("list", "--json"))["spices"],
    "list help": said("list", "--help"),
    "describe": said("describe", "spice", "pepper"),
    "describe help": said("describe", "--help"),
    "plugins": said("plugins"),
    "schema": json.loads(said("schema"))["$defs"]["spice"],
    "names": [n for n in restorekit.__all__ if "spice" in n],
    "made": restorekit.create_spice("pepper", scale="7").scale,
    "listed": restorekit.list_spices(),
}))
"""


def test_a_new_kind_is_found_everywhere(tmp_path: Path) -> None:
    """Hook, list, describe, plugins, schema, help and short names follow from one added line."""
    site = Site(tmp_path)
    site.add("hot", PLUGIN)
    shutil.copytree(ROOT, tmp_path / "restorekit", ignore=shutil.ignore_patterns("*.safetensors"))
    with (tmp_path / "restorekit" / "components" / "kinds.py").open("a") as declarations:
        declarations.write(LINE)
    found = site.run(USE)
    assert found["list"] == "spices\n  pepper  hot [hot 1.0]\n"
    assert [each["name"] for each in found["list all"]] == ["pepper"]
    assert "spices" in found["list help"]
    assert "spice" in found["describe help"]
    assert "in Scoville units" in found["describe"]
    assert "loaded: spice pepper" in found["plugins"]
    titles = [choice.get("title") for choice in found["schema"]["anyOf"]]
    assert titles == [None, "pepper"]
    assert found["names"] == ["create_spice", "list_spices", "spices"]
    assert (found["made"], found["listed"]) == (7, ["pepper"])


def test_a_kind_without_its_declaration_has_no_hook(tmp_path: Path) -> None:
    """The test above would fail without the line: the hook is then unknown."""
    site = Site(tmp_path)
    site.add("hot", PLUGIN)
    code = """
import json, warnings
warnings.simplefilter("ignore")
from restorekit.components.plugin_host import loaded_plugins
print(json.dumps([plugin.cause for plugin in loaded_plugins()]))
"""
    (cause,) = site.run(code)
    assert cause.startswith("unknown hook 'restorekit_spices'")


def test_a_plugin_may_declare_a_kind_of_its_own(tmp_path: Path) -> None:
    """Its hook works as soon as the plugin has been imported."""
    site = Site(tmp_path)
    site.add("hot", f"from restorekit import Registry\n{LINE}{PLUGIN}")
    code = """
import json, restorekit
restorekit.list_models()
print(json.dumps(restorekit.list_spices()))
"""
    assert site.run(code) == ["pepper"]


@pytest.mark.parametrize("words", [("Spice",), ("spice", "the spices"), ("",)])
def test_kinds_are_snake_case(words: tuple[str, ...]) -> None:
    """The words become parts of Python names."""
    with pytest.raises(ArgumentError, match="is not snake_case"):
        Registry(*words)
