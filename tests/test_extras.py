"""Optional packages: what is missing or too old is named with the command that installs it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from restorekit.errors import MissingExtraError
from restorekit.extras import needs


def install(monkeypatch: pytest.MonkeyPatch, version: str) -> ModuleType:
    """A package called `sharpener`, as if it were installed."""
    package = ModuleType("sharpener")
    package.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sharpener", package)
    return package


@pytest.mark.parametrize("version", ["2.14", "2.14.0+cu130", "2.14.0a0+b4e4", "2.20.1", "10.0"])
def test_a_version_that_is_new_enough(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local builds, and early ones of the version itself, among them."""
    package = install(monkeypatch, version)
    assert needs("sharpener", "sharp", "sharpening", "2.14") is package


@pytest.mark.parametrize("version", ["2.13.1", "2.9.0+cpu", "1.20"])
def test_a_version_that_is_too_old(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message states the required version; without a requirement any version is accepted."""
    package = install(monkeypatch, version)
    with pytest.raises(MissingExtraError) as caught:
        needs("sharpener", "sharp", "sharpening", "2.14")
    assert str(caught.value) == (
        f"sharpening needs sharpener 2.14 or newer, not {version}; pip install 'restorekit[sharp]'"
    )
    assert needs("sharpener", "sharp", "sharpening") is package


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name that pip knows, not that of the module in it."""
    monkeypatch.setitem(sys.modules, "sharpener", None)
    with pytest.raises(MissingExtraError) as caught:
        needs("sharpener.fast", "sharp", "sharpening", "2.14")
    assert str(caught.value) == "sharpening needs sharpener; pip install 'restorekit[sharp]'"
