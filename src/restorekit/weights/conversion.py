"""Convert checkpoints of other projects to weights files with a card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from restorekit.errors import CheckpointError
from restorekit.weights.foreign_checkpoints import read_foreign, source_fields
from restorekit.weights.safetensors_header import KEY, is_safetensors, read_header
from restorekit.weights.weights_files import load_model, save_model
from restorekit.weights.weights_names import find_weights

if TYPE_CHECKING:
    from restorekit.records import RecognisedCheckpoint


def convert_weights(
    path_in: str | Path,
    path_out: str | Path,
    license: str | None = None,
    layout: str | None = None,
) -> RecognisedCheckpoint:
    """Convert a published checkpoint to a weights file with a card.

    Args:
        path_in: a state dict saved by torch, or safetensors without a card of restorekit.
        path_out: the file to write, usually `*.safetensors`.
        license: the licence under which the weights were published; if None, the card states that
            it is unknown.
        layout: the layout of the checkpoint, a name in `list_layouts`, where keys and shapes fit
            several; by default it is recognised.

    Returns:
        The architecture, arguments and layout that were recognised.

    Raises:
        UnknownNameError: no layout has that name.
        CheckpointError: the checkpoint is missing, damaged, a pickled module, of an unknown layout,
            already a weights file of restorekit, or equal to `path_out`.

    Example:
        >>> model = restorekit.create_model("dncnn", channels=1, depth=3, width=4, batch_norm=False)
        >>> state = {key.replace("layers", "model"): w for key, w in model.state_dict().items()}
        >>> torch.save(state, "published.pth")
        >>> found = restorekit.convert_weights("published.pth", "converted.safetensors", "MIT")
        >>> found.layout
        "KAIR's DnCNN"
        >>> restorekit.load_model("converted.safetensors")(batch[:, :1]).shape
        torch.Size([2, 1, 32, 32])
    """
    path = find_weights(path_in)
    if is_safetensors(path) and KEY in read_header(path).metadata:
        raise CheckpointError(f"{path}: already a weights file of restorekit; nothing to convert")
    # The original has no copy, and its pickle may hold more than what is converted.
    if Path(path_out).exists() and path.samefile(path_out):
        raise CheckpointError(f"{path}: input and output are the same file; use another output")
    found = read_foreign(path, layout)
    save_model(load_model(path, layout=layout), path_out, source_fields(path, found, license))
    return found


convert = convert_weights  # the former name
