"""Publishing weights with a model card: on the Hugging Face Hub, or in a folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, cast

from restorekit.errors import ArgumentError, CheckpointError
from restorekit.storage.atomic import atomic_path
from restorekit.weights import hub
from restorekit.weights.card import parse_card, write_with_card
from restorekit.weights.card_fields import WeightsCard
from restorekit.weights.model_card import write_model_card
from restorekit.weights.safetensors_header import KEY, is_safetensors, read_header
from restorekit.weights.weights_folder import PUBLISHED
from restorekit.weights.weights_names import find_weights

_README = "README.md"


def push_weights(
    run: str | Path, where: str, *, private: bool = False, overwrite: bool = False, api: Any = None
) -> str:
    """Publish weights with a model card that is written from their card and metrics.

    The published card has no absolute paths of this machine: only their last part.

    Args:
        run: the folder of a training run, for its best weights, a weights file or a name.
        where: "hf-hub:USER/NAME" or "hf-hub:USER/NAME@BRANCH", or "local-dir:FOLDER" for a folder
            with the same files.
        private: whether a new repository of the hub is private.
        overwrite: whether files in a folder may be replaced.
        api: a `huggingface_hub.HfApi`, for another server or token; the default one if None.

    Returns:
        Where the files are: a folder, or the address of the commit.

    Raises:
        ArgumentError: `where` has no such scheme.
        CheckpointError: there are no such weights, they have no card, or cannot be uploaded.
        MissingExtraError: huggingface_hub is not installed.

    Example:
        >>> model = restorekit.create_model("dncnn", channels=1, depth=3, width=4)
        >>> restorekit.save_model(model, "run/best.safetensors", {"summary": "an example"})
        >>> folder = restorekit.push_weights("run", "local-dir:published")
        >>> restorekit.load_model("local-dir:published").channels
        1
    """
    scheme, _, rest = where.partition(":")
    if scheme not in ("local-dir", hub.SCHEME) or not rest:
        raise ArgumentError(f"'{where}': write hf-hub:USER/NAME or local-dir:FOLDER")
    path = find_weights(run)
    if not is_safetensors(path) or KEY not in (header := read_header(path)).metadata:
        raise CheckpointError(f"{path}: it has no card; 'restorekit convert' writes one")
    card = cast(WeightsCard, without_local_paths(parse_card(header, path)))
    title = Path(rest).name if scheme == "local-dir" else hub.HubName.parse(rest).repository
    with tempfile.TemporaryDirectory() as folder:
        files = _write_files(path, card, Path(folder), where, title, header.parameters)
        if scheme == "local-dir":
            return _copy(files, Path(rest), overwrite)
        return _upload(files, hub.HubName.parse(rest), private, api)


def without_local_paths(value: object) -> object:
    """A value of JSON in which every absolute path is replaced by its last part."""
    if isinstance(value, Mapping):
        return {key: without_local_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_local_paths(item) for item in value]
    if isinstance(value, str) and (Path(value).is_absolute() or PureWindowsPath(value).drive):
        return PureWindowsPath(value).name
    return value


def _write_files(
    path: Path, card: WeightsCard, folder: Path, name: str, title: str, parameters: int
) -> list[Path]:
    """Write what is published into a folder."""
    weights = folder / PUBLISHED
    write_with_card(path, weights, card)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    whole: WeightsCard = {**card, "parameters": parameters}
    (folder / _README).write_text(write_model_card(whole, title, name, digest), encoding="utf-8")
    files = [weights, folder / _README]
    credits = path.parent / Path(str(card.get("credits") or "")).name
    if card.get("credits") and credits.is_file():
        files.append(folder / credits.name)
        files[-1].write_bytes(credits.read_bytes())
    return files


def _copy(files: list[Path], folder: Path, overwrite: bool) -> str:
    existing = [file.name for file in files if (folder / file.name).exists()]
    if existing and not overwrite:
        raise ArgumentError(f"{folder}: it has {', '.join(existing)}; --overwrite replaces files")
    for file in files:
        with atomic_path(folder / file.name) as temporary:
            temporary.write_bytes(file.read_bytes())
    return str(folder)


def _upload(files: list[Path], name: hub.HubName, private: bool, api: Any) -> str:
    package = hub.import_hub(f"{hub.SCHEME}:")
    api = package.HfApi() if api is None else api
    operations = [package.CommitOperationAdd(file.name, str(file)) for file in files]
    try:
        with hub.answers_of_hub(package, name):
            api.create_repo(name.repository, private=private, exist_ok=True)
            if name.revision != "main":
                api.create_branch(name.repository, branch=name.revision, exist_ok=True)
            commit = api.create_commit(
                name.repository,
                operations,
                commit_message="Weights and model card written by restorekit",
                revision=name.revision,
            )
    except hub.UnreachableError as error:
        raise CheckpointError(f"{name}: not uploaded, {error}") from error
    return str(commit.commit_url)
