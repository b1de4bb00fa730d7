"""The layout of AP-BSN."""

from __future__ import annotations

import re

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
)

_BLOCK = re.compile(r"bsn\.branch1\.body\.\d+\.body\.0\.weight")
_FIRST, _LAST = "bsn.head.0.weight", "bsn.tail.6"
_WHITE = 255


class APBSNAuthors:
    """wooseoklee4/AP-BSN: a network for images in [0, 255], with the masks of its convolutions.

    The masks are left out, since they follow from the architecture. The first and the last layer
    are scaled for images in [0, 1].

    Example:
        >>> model = restorekit.create_model("ap_bsn", width=4, depth=2)
        >>> restorekit.create_layout("ap_bsn_authors")(model.state_dict()).arguments
        {'channels': 3, 'width': 4, 'depth': 2}
    """

    keys = "bsn.head.0.weight, bsn.head.0.bias, bsn.branch1.body.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        last = f"{_LAST}.weight"
        if not {_FIRST, last, f"{_LAST}.bias", "bsn.branch1.body.0.weight"} <= state.keys():
            return None
        width, channels = conv_sizes(state, "AP-BSN", _FIRST)
        shapes = {_FIRST: (width, channels, 1, 1), last: (channels, width // 2, 1, 1)}
        check_shapes(state, "AP-BSN", shapes)
        tensors = {key: value for key, value in state.items() if not key.endswith(".mask")}
        tensors[_FIRST] = tensors[_FIRST] * _WHITE
        for part in ("weight", "bias"):
            tensors[f"{_LAST}.{part}"] = tensors[f"{_LAST}.{part}"] / _WHITE
        depth = sum(bool(_BLOCK.fullmatch(key)) for key in state)
        arguments = {"channels": channels, "width": width, "depth": depth}
        return RecognisedCheckpoint("ap_bsn", arguments, tensors)
