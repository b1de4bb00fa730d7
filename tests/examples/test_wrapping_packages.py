"""The packages that wrap other libraries, without these: their components are declared.

`make test-packages` installs the libraries and runs the tests of the packages themselves.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import restorekit
from restorekit.components.kinds import REGISTRIES
from restorekit.testing import temporary_plugin

EXAMPLES = Path(__file__).parents[2] / "examples"
PACKAGES = {
    "deepinv": {
        "model": ["deepinv_dncnn", "deepinv_drunet", "deepinv_restormer"],
        "noise": [
            *("deepinv_laplace", "deepinv_rician"),
            *("deepinv_poisson_gaussian", "deepinv_log_poisson"),
        ],
    },
    "lpips": {"loss": ["lpips"], "metric": ["lpips_pretrained"]},
}


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose library cannot be imported."""
    monkeypatch.syspath_prepend(str(EXAMPLES / f"restorekit-{request.param}" / "src"))
    monkeypatch.setitem(sys.modules, request.param, None)  # type: ignore[arg-type]
    yield request.param
    module = f"restorekit_{request.param}"
    for name in [each for each in sys.modules if each.partition(".")[0] == module]:
        del sys.modules[name]


def test_its_components_are_declared_without_the_library(package: str) -> None:
    """The entry point names the module, and each component has its targets there."""
    metadata = tomllib.loads((EXAMPLES / f"restorekit-{package}" / "pyproject.toml").read_text())
    (entry,) = metadata["project"]["entry-points"]["restorekit"].values()
    plugin = importlib.import_module(entry)
    with temporary_plugin(plugin, f"restorekit-{package}") as added:
        assert added.components == PACKAGES[package]
        for kind, names in added.components.items():
            for name in names:
                component = REGISTRIES[kind].entry(name).component
                module, _, attribute = component.target.partition(":")
                file = Path(plugin.__file__).with_name(f"{module.rpartition('.')[2]}.py")
                assert f"class {attribute}(" in file.read_text()
                assert component.summary


def test_a_missing_library_is_named_in_one_line(package: str) -> None:
    """With the component and the package."""
    plugin = importlib.import_module(f"restorekit_{package}.restorekit_plugin")
    kind, (name, *_) = next(iter(PACKAGES[package].items()))
    with (
        temporary_plugin(plugin, f"restorekit-{package}"),
        pytest.raises(restorekit.PluginError, match=f"of restorekit-{package} .*{package}") as got,
    ):
        REGISTRIES[kind].create(name)
    assert "\n" not in str(got.value)
