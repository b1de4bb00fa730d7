"""The layout of the authors' VDN."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
    count_numbered,
)

LAYOUT = "the authors' VDN"


class VDNAuthors:
    """zsyOAOA/VDNet: a U-Net `DNet` and a stack of convolutions `SNet`, with biases.

    The keys are those of our `vdn`.

    Example:
        >>> network = restorekit.create_model("vdn", channels=1, width=4, depth=2)
        >>> restorekit.create_layout("vdn")(network.state_dict()).arguments["depth"]
        2
    """

    keys = "DNet.down_path.0.block.0.weight, DNet.down_path.0.block.0.bias"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        first, sigma_first = "DNet.down_path.0.block.0.weight", "SNet.conv1.weight"
        if not {first, sigma_first, "DNet.last.weight"} <= state.keys():
            return None
        width, channels = conv_sizes(state, LAYOUT, first)
        depth = count_numbered(state, "DNet.down_path.{}.block.0.weight")
        sigma_width, _ = conv_sizes(state, LAYOUT, sigma_first)
        middle = sum(key.startswith("SNet.mid_layer.") for key in state) // 2
        deepest = width * 2 ** (depth - 1)
        check_shapes(
            state,
            LAYOUT,
            {
                first: (width, channels, 3, 3),
                f"DNet.down_path.{depth - 1}.block.2.weight": (deepest, deepest, 3, 3),
                "DNet.last.weight": (2 * channels, width, 3, 3),
                sigma_first: (sigma_width, channels, 3, 3),
                "SNet.conv_last.weight": (2 * channels, sigma_width, 3, 3),
            },
        )
        arguments = {
            "channels": channels,
            "width": width,
            "depth": depth,
            "sigma_width": sigma_width,
            "sigma_depth": middle + 2,
        }
        return RecognisedCheckpoint("vdn", arguments, state, LAYOUT)
