"""What importing restorekit gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import restorekit
from restorekit import version

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


def run(code: str) -> str:
    """What a new process prints that runs the code."""
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
    """__all__ lists nothing that is not there, in order, once."""
    assert list(restorekit.__all__) == sorted(set(restorekit.__all__))
    assert set(restorekit.__all__) <= set(dir(restorekit))
    for name in restorekit.__all__:
        assert getattr(restorekit, name) is not None


@pytest.mark.parametrize("kind", REGISTRIES)
@pytest.mark.parametrize("method", ["register", "get", "create", "names", "describe"])
def test_every_registry_has_the_five_verbs(kind: str, method: str) -> None:
    """Models, noises, losses, datasets and estimators are used alike."""
    assert callable(getattr(getattr(restorekit, kind), method))


@pytest.mark.parametrize(
    ("kind", "singular"), [(k, {"losses": "loss"}.get(k, k[:-1])) for k in REGISTRIES]
)
def test_the_functions_are_those_of_the_registries(kind: str, singular: str) -> None:
    """create_* and list_* are shorter names for the registry's own methods."""
    registry = getattr(restorekit, kind)
    assert getattr(restorekit, f"create_{singular}") == registry.create
    assert getattr(restorekit, f"list_{kind}") == registry.names


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    """A misspelt name fails as it does in any module."""
    with pytest.raises(AttributeError, match="module 'restorekit' has no attribute 'Trainr'"):
        restorekit.Trainr  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    """What is installed says the version that the source says."""
    assert restorekit.__version__ == version.__version__


def test_importing_and_listing_import_nothing_heavy() -> None:
    """Neither the package, nor a listing, nor hookimpl for a plugin's sake, imports torch."""
    assert heavy_modules_after("import restorekit; restorekit.hookimpl") == []
    listings = "; ".join(f"assert restorekit.list_{kind}()" for kind in REGISTRIES)
    assert heavy_modules_after(f"import restorekit; {listings}") == []


def test_getting_a_component_imports_only_its_own_family() -> None:
    """Looking a loss up imports its file, and no other loss's or room's."""
    code = (
        "import restorekit, sys; restorekit.losses.get('l1'); "
        "print([m for m in ('pixel', 'structure') if f'restorekit.loss.{m}' in sys.modules])"
    )
    assert run(code).strip() == "['pixel']"
