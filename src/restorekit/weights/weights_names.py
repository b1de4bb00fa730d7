"""Weights by name: those that come with restorekit, and those of a folder of one's own.

A name such as "swift-photo" stands for NAME.safetensors in restorekit/pretrained, or in one of the
folders that the environment variable RESTOREKIT_WEIGHTS lists; these come first.
"""

from __future__ import annotations

import fnmatch
import importlib.resources
import os
from pathlib import Path

from restorekit.components.kinds import models
from restorekit.errors import CheckpointError, RestoreKitError, did_you_mean
from restorekit.untrusted.plain_data import parse_json
from restorekit.weights.safetensors_header import KEY, read_header

VARIABLE = "RESTOREKIT_WEIGHTS"
SUFFIX = ".safetensors"


def list_weights(pattern: str = "*") -> list[str]:
    """The names of the weights that match a shell pattern, sorted."""
    return sorted(fnmatch.filter(named_weights(), pattern))


def named_weights() -> dict[str, Path]:
    """The file of every name."""
    own = [Path(folder) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    bundled = Path(str(importlib.resources.files("restorekit"))) / "pretrained"
    found: dict[str, Path] = {}
    for folder in (*own, bundled):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return found


def find_weights(path: str | Path) -> Path:
    """The weights file that a path or name means.

    Args:
        path: a file; a run's folder, for its best or else its last weights; or a name.

    Raises:
        CheckpointError: there is none; the nearest is told.
    """
    given = str(path)
    path = Path(path)
    if path.is_file():
        _check_no_picture(path)
        return path
    if path.is_dir():
        for name in ("best.safetensors", "last.safetensors"):
            if (path / name).is_file():
                return path / name
    named = named_weights()
    if given in named:
        return named[given]
    if path.is_dir():
        raise CheckpointError(f"{path}: no best.safetensors or last.safetensors in this folder")
    if (model := given.partition(":")[0]) in models.names():
        raise CheckpointError(_architecture(model, named))
    beside = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, [*named, *models.names(), *beside])
    if given == path.stem:  # no path, but meant as a name
        hint += " See 'restorekit list weights'"
    raise CheckpointError(f"{path}: no such weights file{'.' if hint else ''}{hint}")


def _check_no_picture(path: Path) -> None:
    if path.suffix.lower() == SUFFIX:
        return
    from restorekit.pictures.file_formats import SUFFIXES

    if path.suffix.lower() in SUFFIXES:
        raise CheckpointError(f"{path}: a picture, not weights. See 'restorekit list weights'")


def _architecture(name: str, named: dict[str, Path]) -> str:
    """What to say where an architecture was given for weights."""
    fitting = [each for each, path in named.items() if _architecture_of(path) == name]
    if fitting:
        return f"'{name}' is an architecture; weights trained for it: {', '.join(sorted(fitting))}"
    if _needs_none(name):
        return f"'{name}' is a model that needs no weights. See 'restorekit describe model {name}'"
    return (
        f"'{name}' is an architecture without trained weights; "
        "give a weights file, e.g. runs/last.safetensors"
    )


def _needs_none(name: str) -> bool:
    try:
        return not any(True for _ in models.create(name).parameters())
    except RestoreKitError:  # it needs an argument, or a package
        return False


def _architecture_of(path: Path) -> str | None:
    try:
        name = parse_json(read_header(path).metadata[KEY], finite=False)["model"]["name"]
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None
    return name if isinstance(name, str) else None
