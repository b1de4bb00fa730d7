"""The layout of the authors' MIRNet."""

from __future__ import annotations

import re

import torch

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, renamed
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
    count_numbered,
)

LAYOUT = "the authors' MIRNet"
_NAMES: Renaming = {
    r"(.+\.blocks\.\d+)\.0\.CA\.conv_du\.0": r"\1.CA.squeeze",
    r"(.+\.blocks\.\d+)\.0\.CA\.conv_du\.2": r"\1.CA.expand",
    r"(.+\.blocks\.\d+)\.0\.SA\.spatial\.conv": r"\1.SA.conv",
    r"(.+\.blocks\.\d+)\.0\.(.+)": r"\1.\2",
    r"(.+\.(?:down|up|last_up)\.\w+)\.body\.(.+)": r"\1.\2",
    r"(.+)": r"\1",
}
# The refining of a size, in a column of a block.
_COLUMN = re.compile(r"(.+\.blocks\.\d+)\.(\d+)\.(.+)")
_BLOCK = "body.0.body.0"


class MIRNetAuthors:
    """swz30/MIRNet: denoising, super-resolution at full size, and enhancement.

    The columns of a block share their weights, which the file has once for each column.

    Example:
        >>> restorekit.create_layout("mirnet")(torch.nn.Conv2d(3, 4, 3).state_dict()) is None
        True
    """

    keys = "conv_in.weight, body.0.body.0.blocks.0.0.body.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        squeeze = f"{_BLOCK}.blocks.0.0.CA.conv_du.0.weight"
        first, last = "conv_in.weight", "conv_out.weight"
        if (
            not {first, last, squeeze, f"{_BLOCK}.blocks.0.0.SA.spatial.conv.weight"}
            <= state.keys()
        ):
            return None
        width, channels = conv_sizes(state, LAYOUT, first)
        check_shapes(
            state,
            LAYOUT,
            {
                first: (width, channels, 3, 3),
                f"{_BLOCK}.blocks.2.0.body.0.weight": (4 * width, 4 * width, 3, 3),
                f"{_BLOCK}.conv_out.weight": (width, width, 3, 3),
                last: (channels, width, 3, 3),
            },
        )
        arguments = {
            "channels": channels,
            "width": width,
            "groups": count_numbered(state, "body.{}.body.0.conv_out.weight"),
            "blocks": count_numbered(state, "body.0.body.{}.conv_out.weight"),
            "columns": count_numbered(state, f"{_BLOCK}.blocks.0.{{}}.body.0.weight"),
            "reduction": width // conv_sizes(state, LAYOUT, squeeze)[0],
        }
        tensors = renamed(_with_one_column(state), _NAMES) or {}
        return RecognisedCheckpoint("mirnet", arguments, tensors, LAYOUT)


def _with_one_column(state: StateDict) -> StateDict:
    """The state dict without the copies of further columns.

    Raises:
        CheckpointError: they differ from the first column.
    """
    kept = {}
    for key, tensor in state.items():
        match = _COLUMN.fullmatch(key)
        if match is None or match[2] == "0":
            kept[key] = tensor
        elif not torch.equal(tensor, state.get(f"{match[1]}.0.{match[3]}", tensor.new_empty(0))):
            raise CheckpointError(
                f"the keys are those of {LAYOUT}, but '{key}' differs from the first column, with "
                "which it shares its weights there"
            )
    return kept
