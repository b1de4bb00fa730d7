"""Weights by name: those bundled with restorekit, and those in folders of the user.

A name such as "swift-photo" stands for swift-photo.safetensors in restorekit/pretrained, or in a
folder of the environment variable RESTOREKIT_WEIGHTS. The folders of the user are searched first.
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
    """The names of the weights that match a shell pattern, sorted.

    Example:
        >>> restorekit.list_weights("swift-photo*")[0]
        'swift-photo'
    """
    return sorted(fnmatch.filter(named_weights(), pattern))


def named_weights() -> dict[str, Path]:
    """All weights that can be given by name, with their files."""
    own = [Path(folder) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    bundled = Path(str(importlib.resources.files("restorekit"))) / "pretrained"
    found: dict[str, Path] = {}
    for folder in (*own, bundled):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            # The first folder wins, so that a user can replace bundled weights.
            found.setdefault(path.stem, path)
    return found


def find_weights(path: str | Path) -> Path:
    """The weights file for a path or name.

    Args:
        path: a file; the folder of a training run, for its best weights if it has them and
            otherwise its last; or a name.

    Raises:
        CheckpointError: nothing is found; the message has the nearest name.

    Example:
        >>> find_weights("swift-photo").name
        'swift-photo.safetensors'
    """
    given = str(path)
    path = Path(path)
    # Before names: a file that is in the way of a name was probably meant.
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
    siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, [*named, *models.names(), *siblings])
    if given == path.stem:  # without folder and suffix it is probably meant as a name
        hint += " See 'restorekit list weights'"
    raise CheckpointError(f"{path}: no such weights file{'.' if hint else ''}{hint}")


def _check_no_picture(path: Path) -> None:
    if path.suffix.lower() == SUFFIX:
        return
    from restorekit.pictures.file_formats import format_of_suffix

    if format_of_suffix(path.suffix) is not None:
        raise CheckpointError(f"{path}: a picture, not weights. See 'restorekit list weights'")


def _architecture(name: str, named: dict[str, Path]) -> str:
    """The message for the name of an architecture where weights are expected."""
    fitting = [each for each, path in named.items() if _architecture_of(path) == name]
    if fitting:
        return f"'{name}' is an architecture; weights trained for it: {', '.join(sorted(fitting))}"
    if _has_no_weights(name):
        return f"'{name}' is a model without weights. See 'restorekit describe model {name}'"
    return (
        f"'{name}' is an architecture without trained weights; "
        "give a weights file, e.g. runs/last.safetensors"
    )


def _has_no_weights(name: str) -> bool:
    try:
        # Built, because no attribute of a class says how many parameters it will have.
        return not any(True for _ in models.create(name).parameters())
    except RestoreKitError:  # it has required arguments, or needs a package
        return False


def _architecture_of(path: Path) -> str | None:
    try:
        name = parse_json(read_header(path).metadata[KEY], finite=False)["model"]["name"]
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None
    return name if isinstance(name, str) else None
