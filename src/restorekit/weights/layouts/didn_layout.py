"""The layout of the authors' DIDN."""

from __future__ import annotations

import re

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
)

LAYOUT = "the authors' DIDN"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Our names of the layers that the authors number from 1, in their order.
_IN_BLOCK = (
    *(f"full_in.{place}" for place in range(4)),
    *("to_half.0", "to_half.1", "half_in.0", "half_in.1"),
    *("to_quarter.0", "to_quarter.1", "quarter.0", "quarter.1"),
    *("from_quarter.0", "from_quarter.1", "merge_half", "half_out.0", "half_out.1"),
    *("from_half.0", "from_half.1", "merge_full"),
    *(f"full_out.{place}" for place in range(4)),
    "last",
)
_OUTSIDE = {
    "conv_input": "head.0",
    "relu1": "head.1",
    "conv_down": "to_half.0",
    "relu2": "to_half.1",
    "conv_mid": "merge.0",
    "relu3": "merge.1",
    "conv_mid2": "enhance.0",
    "relu4": "enhance.1",
    "conv_output": "tail",
}
_NUMBERED = re.compile(r"(recursive_([A-Z])|recon)\.(?:conv|relu)(\d+)")


class DIDNAuthors:
    """SonghyunYu/DIDN: layers with numbers, blocks with letters.

    The authors' own files are pickles of the whole network, which are never executed. Save the
    state dict of the network where the authors' code is installed.

    Example:
        >>> width = torch.nn.Conv2d(1, 4, 3, bias=False)
        >>> restorekit.create_layout("didn")(width.state_dict()) is None
        True
    """

    keys = "conv_input.weight, relu1.weight, conv_down.weight, recursive_A.conv1.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        if (
            not {"conv_input.weight", "recursive_A.conv1.weight", "recon.conv17.weight"}
            <= state.keys()
        ):
            return None
        width, channels = conv_sizes(state, LAYOUT, "conv_input.weight")
        blocks = sum(f"recursive_{letter}.conv1.weight" in state for letter in LETTERS)
        check_shapes(
            state,
            LAYOUT,
            {
                "conv_input.weight": (width, channels, 3, 3),
                "recursive_A.conv5.weight": (2 * width, width, 3, 3),
                "recursive_A.conv13.weight": (8 * width, 4 * width, 1, 1),
                "recon.conv17.weight": (width, width, 3, 3),
                "conv_mid.weight": (width, blocks * width, 1, 1),
                "conv_output.weight": (channels, width // 4, 3, 3),
            },
        )
        tensors = {_renamed(key): tensor for key, tensor in state.items()}
        arguments = {"channels": channels, "width": width, "blocks": blocks}
        return RecognisedCheckpoint("didn", arguments, tensors, LAYOUT)


def _renamed(key: str) -> str:
    """Our name of a tensor; the same if it is unknown."""
    layer, _, what = key.rpartition(".")
    if (found := _NUMBERED.fullmatch(layer)) is None:
        return f"{_OUTSIDE.get(layer, layer)}.{what}"
    number = int(found[3])
    if (letter := found[2]) is None:
        place = "4" if number == 17 else f"{(number - 1) // 4}.{(number - 1) % 4}"
        return f"reconstruction.{place}.{what}"
    if number > len(_IN_BLOCK):
        return key
    return f"blocks.{LETTERS.index(letter)}.{_IN_BLOCK[number - 1]}.{what}"
