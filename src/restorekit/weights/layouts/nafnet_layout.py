"""The layout of NAFNet's authors, in the wrapper of BasicSR."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.block_unet_sizes import block_unet_sizes
from restorekit.weights.layouts.state_reading import StateDict, check_shapes

LAYOUT = "NAFNet"


class NAFNetAuthors:
    """megvii-research/NAFNet: the networks for denoising and deblurring. The keys are ours.

    Example:
        >>> network = restorekit.create_model("nafnet", preset="tiny")
        >>> restorekit.create_layout("nafnet_authors")(network.state_dict()).arguments["width"]
        8
    """

    keys = "intro.weight, intro.bias, ending.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        if "middle_blks.0.sca.1.weight" not in state or "middle_blks.0.w" in state:
            return None
        arguments = block_unet_sizes(state, LAYOUT)
        width = arguments["width"]
        check_shapes(
            state,
            LAYOUT,
            {
                "encoders.0.0.conv1.weight": (2 * width, width, 1, 1),
                "encoders.0.0.conv2.weight": (2 * width, 1, 3, 3),
                "encoders.0.0.conv4.weight": (2 * width, width, 1, 1),
            },
        )
        return RecognisedCheckpoint("nafnet", arguments, state, LAYOUT)
