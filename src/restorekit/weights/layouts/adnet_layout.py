"""The layout of the authors' ADNet."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, at_position, renamed
from restorekit.weights.layouts.state_reading import conv_sizes

# Layers are numbered from 1 there; each is a convolution, a normalisation and a ReLU.
_NAMES: Renaming = {
    r"conv1_(\d+)(?:\.0)?": at_position("layers.{}", 3, -3),
    r"conv1_(\d+)\.1": at_position("layers.{}", 3, -2),
    "conv3": "attention",
}


class ADNetAuthors:
    """hellloxiaotian/ADNet: gray and colour networks of 17 layers.

    Example:
        >>> first, attention = torch.nn.Conv2d(1, 8, 3, bias=False), torch.nn.Conv2d(2, 1, 1)
        >>> state = {"conv1_1.0.weight": first.weight, "conv3.weight": attention.weight}
        >>> restorekit.create_layout("adnet_authors")(state).arguments
        {'channels': 1, 'width': 8}
    """

    keys = "conv1_1.0.weight, conv1_1.1.weight, conv1_1.1.bias"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        if (tensors := renamed(state, _NAMES)) is None or "layers.0.weight" not in tensors:
            return None
        width, channels = conv_sizes(state, "the authors' ADNet", "conv1_1.0.weight")
        return RecognisedCheckpoint("adnet", {"channels": channels, "width": width}, tensors)
