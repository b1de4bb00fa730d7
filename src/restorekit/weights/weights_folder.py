"""The weights in a folder: of a training run, or as a model hub has them."""

from __future__ import annotations

from pathlib import Path

from restorekit.errors import CheckpointError

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
    if (folder / PUBLISHED).is_file():
        return folder / PUBLISHED
    if (run := weights_in_run(folder)) is not None:
        return run
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        names = f"several: {', '.join(path.name for path in files)}" if files else "none"
        raise CheckpointError(f"{where}: it needs one safetensors file, but it has {names}")
    return files[0]
