"""The layout of KAIR's and DPIR's DRUNet."""

from __future__ import annotations

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
    count_numbered,
    rename_keys,
)

LAYOUT = "KAIR's DRUNet"


class DRUNetKAIR:
    """cszn/KAIR and cszn/DPIR: four scales with strided and transposed convolutions.

    The keys are those of our `drunet`. A network without an input channel for the noise level is
    its blind form.

    Example:
        >>> network = restorekit.create_model("drunet", channels=1, width=4, blocks=2)
        >>> restorekit.create_layout("drunet_kair")(network.state_dict()).arguments["blocks"]
        2
    """

    keys = "m_head.weight, m_down1.0.res.0.weight, m_down1.0.res.2.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The checkpoint with the arguments of the model, or None if its keys are others."""
        # KAIR makes no sequence of a single block.
        state = rename_keys(state, {r"^m_body\.res\.": "m_body.0.res."})
        if not {"m_head.weight", "m_body.0.res.0.weight", "m_tail.weight"} <= state.keys():
            return None
        blocks = count_numbered(state, "m_body.{}.res.0.weight")
        channels, width = conv_sizes(state, LAYOUT, "m_tail.weight")
        _, inputs = conv_sizes(state, LAYOUT, "m_head.weight")
        if inputs not in (channels, channels + 1):
            raise CheckpointError(
                f"the keys are those of {LAYOUT}, but it has {inputs} input and {channels} output "
                "channels; it has equal numbers, or one more input for the noise level"
            )
        check_shapes(
            state,
            LAYOUT,
            {
                "m_head.weight": (width, inputs, 3, 3),
                f"m_down1.{blocks}.weight": (2 * width, width, 2, 2),
                f"m_down3.{blocks}.weight": (8 * width, 4 * width, 2, 2),
                "m_body.0.res.0.weight": (8 * width, 8 * width, 3, 3),
                "m_up1.0.weight": (2 * width, width, 2, 2),
            },
        )
        arguments = {"channels": channels, "width": width, "blocks": blocks}
        return RecognisedCheckpoint(
            "drunet", {**arguments, "blind": inputs == channels}, state, LAYOUT
        )
