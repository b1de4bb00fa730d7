"""Checkpoints of other projects written as weights that describe themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.errors import CheckpointError
from restorekit.weights.foreign_checkpoints import read_foreign, source_fields
from restorekit.weights.safetensors_header import KEY, is_safetensors, read_header
from restorekit.weights.weights_files import load_model, save_model
from restorekit.weights.weights_names import find_weights

if TYPE_CHECKING:
    from restorekit.weights.checkpoint_layouts import RecognisedCheckpoint


def convert(
    path_in: str | Path, path_out: str | Path, license: str | None = None
) -> RecognisedCheckpoint:
    """Write a published checkpoint as weights that describe themselves.

    Args:
        path_in: a state dict that torch saved, or safetensors without our card.
        path_out: the file to write, by custom `*.safetensors`.
        license: under which the weights were published; the card says that it is unknown if None.

    Returns:
        What the checkpoint was recognised as.

    Raises:
        CheckpointError: it is missing, damaged, a pickled module, of no known layout, weights of
            restorekit already, or `path_out` itself.
    """
    path = find_weights(path_in)
    if is_safetensors(path) and KEY in read_header(path).metadata:
        raise CheckpointError(f"{path}: restorekit's own weights already; nothing to convert")
    if Path(path_out).exists() and path.samefile(path_out):
        raise CheckpointError(f"{path}: not overwritten by its own conversion; name another file")
    found = read_foreign(path)
    save_model(load_model(path), path_out, source_fields(path, found, license))
    return found
