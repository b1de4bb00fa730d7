"""Importing restorekit: public names and import time."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import restorekit
from restorekit import former_names, testing, version
from restorekit.components import kinds
from tests import public_api

HEAVY = ("torch", "torchvision", "kornia", "pydantic", "PIL", "numpy", "matplotlib", "rich")
REGISTRIES = ("models", "noises", "losses", "datasets", "estimators")
CONTRACT = (
    *REGISTRIES,
    "create_model",
    "create_noise",
    "create_loss",
    "create_dataset",
    "create_estimator",
    "list_models",
    "list_noises",
    "list_losses",
    "list_datasets",
    "list_weights",
    "list_estimators",
    "Component",
    "hookimpl",
    "Degraded",
    "Restoration",
    "RestoreKitError",
    "Trainer",
    "TrainConfig",
    "load_model",
    "save_model",
    "denoise",
)


PAGE = Path(__file__).parents[1] / "docs" / "python.md"
DIRECTIVES = "function|autofunction|class|autoclass|autoexception|data|decorator"


def run(code: str) -> str:
    """The output of a new process that runs the code."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def heavy_modules_after(code: str) -> list[str]:
    """The heavy libraries that a new process has imported when the code has run."""
    show = f"import sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    return list(json.loads(run(f"{code}\n{show}").splitlines()[-1]))


@pytest.mark.parametrize("name", CONTRACT)
def test_every_public_name_is_there(name: str) -> None:
    """Each name of the contract can be imported and is in __all__."""
    assert getattr(restorekit, name) is not None
    assert name in restorekit.__all__


def test_all_is_complete_and_sorted() -> None:
    """__all__ lists existing names, sorted and once each."""
    assert list(restorekit.__all__) == sorted(set(restorekit.__all__))
    assert set(restorekit.__all__) <= set(dir(restorekit))
    for name in restorekit.__all__:
        assert getattr(restorekit, name) is not None


@pytest.mark.parametrize("kind", REGISTRIES)
@pytest.mark.parametrize("method", ["register", "get", "create", "names", "describe"])
def test_every_registry_has_the_five_verbs(kind: str, method: str) -> None:
    """They have the same methods for every kind."""
    assert callable(getattr(getattr(restorekit, kind), method))


@pytest.mark.parametrize(
    ("kind", "singular"), [(k, {"losses": "loss"}.get(k, k[:-1])) for k in REGISTRIES]
)
def test_the_functions_are_those_of_the_registries(kind: str, singular: str) -> None:
    """create_* and list_* are short names of the methods of registries."""
    registry = getattr(restorekit, kind)
    assert getattr(restorekit, f"create_{singular}") == registry.create
    assert getattr(restorekit, f"list_{kind}") == registry.names


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    """A misspelt name raises the usual error."""
    with pytest.raises(AttributeError, match="module 'restorekit' has no attribute 'Trainr'"):
        restorekit.Trainr  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    """The installed version equals that of the source."""
    assert restorekit.__version__ == version.__version__


def test_importing_and_listing_import_nothing_heavy() -> None:
    """The package, listings and hookimpl do not import torch."""
    assert heavy_modules_after("import restorekit; restorekit.hookimpl") == []
    listings = "; ".join(f"assert restorekit.list_{kind}()" for kind in REGISTRIES)
    assert heavy_modules_after(f"import restorekit; {listings}") == []


def test_getting_a_component_imports_only_its_own_family() -> None:
    """Looking up a loss imports its file, but not other losses or rooms."""
    code = (
        "import restorekit, sys; restorekit.losses.get('l1'); "
        "print([m for m in ('pixel', 'structure') if f'restorekit.loss.{m}' in sys.modules])"
    )
    assert run(code).strip() == "['pixel']"


def names_on_the_page() -> Iterator[str]:
    """The names in docs/python.md; those of the kinds are in a generated table."""
    assert "_generated/shortcuts.md" in PAGE.read_text(encoding="utf-8")
    yield from (name for each in kinds.REGISTRIES.values() for name in each.shortcuts)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if found := re.match(rf"\.\. (?:{DIRECTIVES}):: ([\w.]+)", line):
            yield found[1]
            for more in lines[number + 1 :]:  # further names of the same directive
                if not (also := re.match(r" {8,}(\w+)", more)):
                    break
                yield also[1]


def imported_names(path: Path) -> dict[str, str]:
    """The modules of the names that a file imports from restorekit, including those for types."""
    return {
        alias.name: str(node.module)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("restorekit")
        for alias in node.names
    }


def test_the_page_names_what_the_package_has() -> None:
    """Every public name is documented, and imported from restorekit as the page says."""
    names = [name.removeprefix("restorekit.") for name in names_on_the_page()]
    public = [*restorekit.__all__, *(f"testing.{name}" for name in testing.__all__)]
    assert sorted(names) == sorted(public)


def test_a_lazy_name_is_imported_from_where_type_checkers_find_it() -> None:
    """The table for the interpreter and the imports for type checkers agree."""
    imported = imported_names(Path(restorekit.__file__))
    assert {name: imported.get(name) for name in restorekit._LAZY} == restorekit._LAZY
    assert set(restorekit._LAZY) - {"__version__"} <= set(restorekit.__all__)


def test_a_script_that_mypy_checks_uses_every_public_name() -> None:
    """`make types` checks tests/typed_script.py, in which a missing name is an error."""
    script = Path(__file__).with_name("typed_script.py")
    assert sorted(imported_names(script)) == restorekit.__all__


def test_the_public_api_is_as_recorded() -> None:
    """An intended change is recorded by `make api`, which also writes the lines of a new kind."""
    for path, text in public_api.derived_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make api`"


@pytest.mark.parametrize(
    ("module", "name", "present"),
    [
        ("restorekit.registry", "Registry", "Registry"),
        ("restorekit.hookspecs", "hookimpl", "hookimpl"),
        ("restorekit.evaluate.metrics", "psnr", "psnr"),
        ("restorekit.evaluate.metrics", "ssim", "ssim"),
        ("restorekit.restore.estimate", "estimate_sigma", "estimate_sigma"),
        ("restorekit.restore.estimate", "noise_map", "noise_map"),
        ("restorekit.restore.estimate", "is_clean", "is_clean"),
        ("restorekit.restore.export", "export_onnx", "export_onnx"),
        ("restorekit.restore.export", "export_torch", "export_torch"),
        ("restorekit.restore.runtime", "load_runtime", "load_runtime"),
        ("restorekit.restore.runtime", "choose_runtime", "choose_runtime"),
        ("restorekit.restore.outcome", "Outcome", "DenoiseOutcome"),
        ("restorekit.train.results", "Outcome", "TrainOutcome"),
    ],
)
def test_a_documented_former_name_works_and_warns(module: str, name: str, present: str) -> None:
    """It is the same object as the public name, in a new process."""
    code = (
        "import warnings; warnings.simplefilter('always')\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        f"    from {module} import {name}\n"
        f"import restorekit; assert {name} is restorekit.{present}\n"
        "print([str(w.category.__name__) for w in caught if 'restorekit' in str(w.message) "
        f"or '{present}' in str(w.message)])"
    )
    assert run(code).strip() == "['DeprecationWarning']"


def test_an_unknown_name_of_a_former_module_is_an_error() -> None:
    """A former module has no other names than the present one."""
    assert set(former_names.MODULES) <= set(sys.modules)
    with pytest.raises(AttributeError, match="psnrr"):
        sys.modules["restorekit.evaluate.metrics"].psnrr  # noqa: B018


def test_former_names_of_a_denoiser_work_and_warn() -> None:
    """`told` and `heeds_sigma` were documented."""
    denoiser = restorekit.Denoiser(restorekit.create_model("dncnn", depth=2, width=4))
    with pytest.warns(DeprecationWarning, match="'told' is now 'with_sigma'"):
        assert denoiser.told(0.1).model is denoiser.model
    with pytest.warns(DeprecationWarning, match="'heeds_sigma' is now 'uses_sigma'"):
        assert denoiser.heeds_sigma == denoiser.uses_sigma
    with pytest.raises(AttributeError, match="'Denoiser' object has no attribute 'tol'"):
        denoiser.tol  # noqa: B018


def test_only_what_draws_imports_matplotlib() -> None:
    """Neither restoring nor making a trainer does; a run imports it for its loss map."""
    code = (
        "import numpy, restorekit, sys; image = numpy.zeros((32, 32), numpy.uint8); "
        "restorekit.denoise(image, 'median'); restorekit.analyze(image); restorekit.Trainer; "
        "import restorekit.report, restorekit.evaluate; "
        "print('matplotlib' in sys.modules)"
    )
    assert run(code).strip() == "False"
