"""Publishing weights with a model card: on the Hugging Face Hub, or in a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path, PureWindowsPath
from typing import Any, cast

from restorekit.errors import ArgumentError, CheckpointError
from restorekit.storage.atomic import atomic_path
from restorekit.storage.file_digests import sha256_of
from restorekit.untrusted.text import quoted
from restorekit.weights import hub
from restorekit.weights.card import parse_card, write_with_card
from restorekit.weights.card_fields import WeightsCard
from restorekit.weights.local_paths import without_local_paths
from restorekit.weights.model_card import write_model_card
from restorekit.weights.safetensors_header import KEY, is_safetensors, read_header
from restorekit.weights.weights_folder import LOCAL_DIR, PUBLISHED
from restorekit.weights.weights_names import find_weights

_README = "README.md"


def push_weights(
    run: str | Path, where: str, *, private: bool = False, overwrite: bool = False, api: Any = None
) -> str:
    """Publish weights with a model card that is written from their card and metrics.

    Paths of this machine on the published card are replaced by their last part: whole values that
    begin with one below "dataset", "path", "root", "folder", "dir", "file" and "weights", and words
    in other text. Such a path is absolute and has at least two parts, or begins with "~/", a drive
    letter, two backslashes or "file://".

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
        ArgumentError: `where` has no such scheme, or the credits of the card are not a plain name
            of a file other than those that are written.
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
    if scheme not in (LOCAL_DIR, hub.SCHEME) or not rest:
        raise ArgumentError(f"'{where}': write {hub.SCHEME}:USER/NAME or {LOCAL_DIR}:FOLDER")
    path = find_weights(run)
    if not is_safetensors(path) or KEY not in (header := read_header(path)).metadata:
        raise CheckpointError(f"{path}: it has no card; 'restorekit convert' writes one")
    original = parse_card(header, path)
    credits = _credits(original, path)
    card = cast(WeightsCard, without_local_paths(original))
    title = Path(rest).name if scheme == LOCAL_DIR else hub.HubName.parse(rest).repository
    with tempfile.TemporaryDirectory() as folder:
        name = str(without_local_paths(where))
        files = _write_files(path, card, Path(folder), name, title, header.parameters)
        if credits is not None:
            files.append(Path(folder) / credits.name)
            files[-1].write_bytes(credits.read_bytes())
        if scheme == LOCAL_DIR:
            return _copy(files, Path(rest), overwrite)
        return _upload(files, hub.HubName.parse(rest), private, api)


def _credits(card: WeightsCard, path: Path) -> Path | None:
    """The text that the card names in the folder of the weights, if it is there."""
    name: object = card.get("credits")
    if not name:
        return None
    # A card may come from others: it must not name another folder or a hidden file.
    if not isinstance(name, str) or PureWindowsPath(name).name != name or name.startswith("."):
        raise ArgumentError(f"{path}: credits {quoted(name)} is not a plain name of a file")
    if name.casefold() in (_README.casefold(), PUBLISHED.casefold()):
        raise ArgumentError(f"{path}: credits '{name}' has the name of a file that push writes")
    credits = path.parent / name
    return credits if credits.is_file() else None


def _write_files(
    path: Path, card: WeightsCard, folder: Path, name: str, title: str, parameters: int
) -> list[Path]:
    """Write what is published into a folder."""
    weights = folder / PUBLISHED
    write_with_card(path, weights, card)
    whole: WeightsCard = {**card, "parameters": parameters}
    text = write_model_card(whole, title, name, sha256_of(weights))
    (folder / _README).write_text(text, encoding="utf-8")
    return [weights, folder / _README]


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
