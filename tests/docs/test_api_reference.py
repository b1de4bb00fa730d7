"""The page about Python has every public name."""

from __future__ import annotations

import re

import restorekit
import restorekit.testing
from restorekit.components.kinds import REGISTRIES
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
DIRECTIVE = r"^\.\. (?:auto)?(?:class|function|exception|decorator):: ([\w.]+)"


def test_every_public_name_has_an_entry() -> None:
    """Names of registries are in the table that is made of them."""
    entries = set(re.findall(DIRECTIVE, PAGE, re.MULTILINE))
    of_registries = {
        name
        for each in REGISTRIES.values()
        for name in (each.plural, f"create_{each.kind}", f"list_{each.plural}")
    }
    public = {f"restorekit.{name}" for name in set(restorekit.__all__) - of_registries}
    tested = {f"restorekit.testing.{name}" for name in restorekit.testing.__all__}
    assert sorted((public | tested) - entries) == []


def test_every_entry_is_a_name() -> None:
    """No entry of a name that was removed."""
    for entry in re.findall(DIRECTIVE, PAGE, re.MULTILINE):
        module = restorekit.testing if ".testing." in entry else restorekit
        assert hasattr(module, entry.rpartition(".")[2]), entry
