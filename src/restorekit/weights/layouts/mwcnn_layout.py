"""The layout of the authors' PyTorch MWCNN."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, at_position, renamed
from restorekit.weights.layouts.state_reading import conv_sizes

# Each of their blocks is a convolution and a ReLU.
_NAMES: Renaming = {
    r"head\.0\.body\.0": "encoder1.0",
    r"d_l1\.(\d+)\.body\.0": at_position("encoder1.{}", 2, 2),
    r"d_l2\.(\d+)\.body\.0": at_position("encoder2.{}", 2),
    r"pro_l3\.(\d+)\.body\.0": at_position("middle.{}", 2),
    r"i_l2\.(\d+)\.body\.0": at_position("decoder2.{}", 2),
    r"i_l1\.(\d+)\.body\.0": at_position("decoder1.{}", 2),
    r"tail\.0": "tail",
}


class MWCNNAuthors:
    """lpj0/MWCNN_PyTorch: 24 layers in three scales.

    Example:
        >>> sizes = {"head.0": (4, 8), "d_l2.0": (32, 16), "tail.0": (8, 4)}
        >>> convs = {name: torch.nn.Conv2d(*size, 3) for name, size in sizes.items()}
        >>> names = {"head.0": "head.0.body.0", "d_l2.0": "d_l2.0.body.0"}
        >>> state = {f"{names.get(name, name)}.weight": conv.weight for name, conv in convs.items()}
        >>> restorekit.create_layout("mwcnn_authors")(state).arguments["inner_width"]
        16
    """

    keys = "head.0.body.0.weight, head.0.body.0.bias, d_l2.0.body.0.weight"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        tensors = renamed(state, _NAMES)
        if tensors is None or not {"encoder1.0.weight", "encoder2.0.weight"} <= tensors.keys():
            return None
        layout = "the authors' PyTorch MWCNN"
        width, phases = conv_sizes(state, layout, "head.0.body.0.weight")
        inner_width, _ = conv_sizes(state, layout, "d_l2.0.body.0.weight")
        convs = sum(key.startswith("encoder2.") and key.endswith(".weight") for key in tensors)
        arguments = {
            "channels": phases // 4,
            "width": width,
            "inner_width": inner_width,
            "layers": convs,
        }
        return RecognisedCheckpoint("mwcnn", arguments, tensors)
