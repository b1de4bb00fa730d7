"""Weights by name: in folders of the user, bundled with restorekit, and of plugins.

A name such as "swift-photo" stands for swift-photo.safetensors in a folder of the environment
variable RESTOREKIT_WEIGHTS, or for what the hook `restorekit_weights` declares under that name. The
folders of the user are searched first, and plugins last. A name with a scheme, such as
"local-dir:folder", says itself where the file is (`schemes`).
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.components.component_records import Entry
from restorekit.components.kinds import models, weights
from restorekit.components.pretrained_weights import SCHEME, PretrainedWeights
from restorekit.errors import CheckpointError, RestoreKitError, did_you_mean
from restorekit.memory import format_size
from restorekit.storage.file_digests import sha256_of
from restorekit.untrusted.plain_data import parse_json
from restorekit.weights import schemes
from restorekit.weights.safetensors_header import KEY, read_header
from restorekit.weights.weights_folder import weights_in_run

if TYPE_CHECKING:
    from torch import nn

VARIABLE = "RESTOREKIT_WEIGHTS"
SUFFIX = ".safetensors"


def list_weights(pattern: str = "*") -> list[str]:
    """The names of the weights that match a shell pattern, sorted, including those of plugins.

    Example:
        >>> restorekit.list_weights("swift-photo*")[0]
        'swift-photo'
    """
    return sorted(fnmatch.filter({*files_of_user(), *weights.names()}, pattern))


def named_weights() -> dict[str, Path]:
    """All weights that can be given by name and are on this machine, with their files."""
    found: dict[str, Path] = {}
    for name in weights.names():
        with contextlib.suppress(CheckpointError):  # one wrong declaration must not hide the others
            if (path := file_of(weights.entry(name))) is not None:
                found[name] = path
    return found | files_of_user()


def files_of_user() -> dict[str, Path]:
    """The weights in the folders of RESTOREKIT_WEIGHTS by name; the first folder wins."""
    found: dict[str, Path] = {}
    for folder in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        for path in sorted(Path(folder).glob(f"*{SUFFIX}")):
            found.setdefault(path.stem, path)
    return found


def is_weights_name(text: str) -> bool:
    """Whether a text is a name without a scheme, and not a path that exists."""
    return not Path(text).exists() and (text in files_of_user() or text in weights)


def declared_weights(name: str) -> Entry[PretrainedWeights] | None:
    """The declaration that a name stands for; None for a path, and for a file of the user."""
    if Path(name).exists() or name in files_of_user():
        return None
    return weights.find(name)


def file_of(declared: Entry[PretrainedWeights]) -> Path | None:
    """The file of declared weights; None for a reference that has not been downloaded.

    Raises:
        CheckpointError: the file is missing, or the reference is not valid.
    """
    record = declared.component
    if not record.is_reference:
        if not Path(record.file).is_file():
            raise CheckpointError(f"{declared.label}: their file {record.file} is missing")
        return Path(record.file)
    try:
        return schemes.cached(str(record.file))
    except CheckpointError as error:
        raise CheckpointError(f"{declared.label}: {error}") from error


def find_weights(path: str | PathLike[str]) -> Path:
    """The weights file for a path or name.

    Args:
        path: a file; the folder of a training run, for its best weights if it has them and
            otherwise its last; a name; or a name with a scheme: "local-dir:FOLDER",
            "hf-hub:USER/NAME[@REVISION]". Only the last one downloads a file.

    Raises:
        CheckpointError: nothing is found; the message has the nearest name.

    Example:
        >>> find_weights("swift-photo").name
        'swift-photo.safetensors'
    """
    given = str(path)
    if not given:
        raise CheckpointError("the name of a model is empty; 'restorekit list weights' has names")
    path = Path(path)
    # Before names: a file that is in the way of a name was probably meant.
    if path.is_file():
        _check_no_picture(path)
        return path
    if schemes.has_scheme(given):
        return schemes.fetch(given)
    if path.is_dir() and (found := weights_in_run(path)) is not None:
        return found
    if (own := files_of_user().get(given)) is not None:
        return own
    if (declared := weights.find(given)) is not None:
        return _checked_file(declared)
    if path.is_dir():
        raise CheckpointError(f"{path}: no best.safetensors or last.safetensors in this folder")
    raise _nothing_found(given, path)


def _checked_file(declared: Entry[PretrainedWeights]) -> Path:
    """The file of declared weights, with the size and SHA-256 that were declared."""
    record, path = declared.component, file_of(declared)
    if path is None:
        raise CheckpointError(
            f"{declared.label} are not on this machine; to download {format_size(record.size)}, "
            f"give {record.file} once"
        )
    if record.size and path.stat().st_size != record.size:
        raise CheckpointError(
            f"{declared.label}: {path} has {path.stat().st_size} bytes, not {record.size}"
        )
    if record.sha256 and sha256_of(path) != record.sha256:
        raise CheckpointError(f"{declared.label}: {path} differs from the declared SHA-256")
    return path


def _nothing_found(given: str, path: Path) -> CheckpointError:
    """The error for a path or name that stands for nothing."""
    if given.partition(":")[0] in models:
        return CheckpointError(_architecture(given.partition(":")[0], named_weights()))
    if SCHEME.match(given):
        return CheckpointError(schemes.unknown_scheme(given))
    siblings = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
    # What has a folder is a path, which no name resembles.
    names = [*list_weights(), *models.names()] if given == path.name else []
    hint = did_you_mean(path.name, [*names, *siblings])
    if given == path.stem:  # without folder and suffix it is probably meant as a name
        hint += " See 'restorekit list weights'"
    return CheckpointError(f"{path}: no such weights file{'.' if hint else ''}{hint}")


def _check_no_picture(path: Path) -> None:
    if path.suffix.lower() == SUFFIX:
        return
    from restorekit.pictures.file_formats import format_of_suffix

    if format_of_suffix(path.suffix) is not None:
        raise CheckpointError(f"{path}: a picture, not weights. See 'restorekit list weights'")


def _architecture(name: str, named: dict[str, Path]) -> str:
    """The message for the name of an architecture where weights are expected."""
    fitting = [each for each, path in named.items() if architecture_of(path) == name]
    if fitting:
        return f"'{name}' is an architecture; weights trained for it: {', '.join(sorted(fitting))}"
    if (made := _made(name)) is not None and needs_no_file(made):
        what = (
            "that brings its own weights"
            if any(True for _ in made.parameters())
            else "without weights"
        )
        return f"'{name}' is a model {what}. See 'restorekit describe model {name}'"
    return (
        f"'{name}' is an architecture without trained weights; "
        "give a weights file, e.g. runs/last.safetensors"
    )


def needs_no_file(model: nn.Module) -> bool:
    """Whether a new model can be used as it is: it has no parameters, or brings trained ones.

    A model that brings its own weights has an attribute `brings_weights`, which is True.
    """
    brings = getattr(model, "brings_weights", False) is True
    return brings or not any(True for _ in model.parameters())


def _made(name: str) -> nn.Module | None:
    try:
        # Built, because no attribute of a class says how many parameters it will have.
        return models.create(name)
    except RestoreKitError:  # it has required arguments, or needs a package
        return None


def architecture_of(path: Path) -> str | None:
    """The architecture on the card of a file; None if it has none that can be read."""
    try:
        name = parse_json(read_header(path).metadata[KEY], finite=False)["model"]["name"]
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None
    return name if isinstance(name, str) else None
