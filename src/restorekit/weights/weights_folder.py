"""The weights in a folder: of a training run, or as a model hub has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from restorekit.errors import CheckpointError

LOCAL_DIR = "local-dir"  # the scheme of names
PUBLISHED = "model.safetensors"
# The weights of a training run; the first one that exists is used.
RUN_WEIGHTS = ("best.safetensors", "last.safetensors")


def weights_in_run(folder: Path) -> Path | None:
    """The best weights of a training run, otherwise its last; None if it has neither."""
    files = (folder / name for name in RUN_WEIGHTS)
    return next((path for path in files if path.is_file()), None)


def weights_in(folder: Path, where: str) -> Path:
    """The weights in the folder of a run, or in a folder as `restorekit push` writes it.

    Args:
        folder: the folder.
        where: how the user named it, for the message.

    Raises:
        CheckpointError: it does not exist, or it has no weights, or several.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{where}: there is no such folder")
    names = [path.name for path in folder.iterdir() if path.is_file()]
    if PUBLISHED not in names and (run := weights_in_run(folder)) is not None:
        return run
    return folder / choose_published(names, where)


def choose_published(names: Iterable[str], where: str) -> str:
    """The published file among those of a folder or repository, or its only safetensors file.

    Args:
        names: the files, with "/" between the parts of their paths.
        where: how the user named the folder, for the message.

    Raises:
        CheckpointError: there is none, or there are several.
    """
    names = sorted(names)
    files = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    if PUBLISHED in files:
        return PUBLISHED
    if len(files) == 1:
        return files[0]
    found = f"several: {', '.join(files)}" if files else ", ".join(names) or "none"
    raise CheckpointError(f"{where}: it needs one safetensors file, but it has {found}")
