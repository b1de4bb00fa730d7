"""The layout of the authors' MPRNet."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, renamed
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
    count_numbered,
)

LAYOUT = "the authors' MPRNet"
_NAMES: Renaming = {
    r"(.+\.CA)\.conv_du\.0": r"\1.squeeze",
    r"(.+\.CA)\.conv_du\.2": r"\1.expand",
    r"(.+)\.(?:down|up)\.1": r"\1.conv",
    r"(.+)": r"\1",
}


class MPRNetAuthors:
    """swz30/MPRNet: denoising, deblurring and deraining.

    Example:
        >>> restorekit.create_layout("mprnet")(torch.nn.Conv2d(3, 4, 3).state_dict()) is None
        True
    """

    keys = "shallow_feat1.0.weight, shallow_feat1.1.CA.conv_du.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        squeeze = "shallow_feat1.1.CA.conv_du.0.weight"
        first, full = "shallow_feat1.0.weight", "stage3_orsnet.orb1.body.0.body.0.weight"
        middle = "stage1_encoder.down12.down.1.weight"
        if not {first, middle, full, squeeze, "sam12.conv2.weight"} <= state.keys():
            return None
        width, channels = conv_sizes(state, LAYOUT, first)
        step = conv_sizes(state, LAYOUT, middle)[0] - width
        full_width, _ = conv_sizes(state, LAYOUT, full)
        widest = width + 2 * step
        check_shapes(
            state,
            LAYOUT,
            {
                first: (width, channels, 3, 3),
                middle: (width + step, width, 1, 1),
                "stage1_encoder.down23.down.1.weight": (widest, width + step, 1, 1),
                "sam12.conv2.weight": (channels, width, 1, 1),
                "tail.weight": (channels, full_width, 3, 3),
            },
        )
        arguments = {
            "channels": channels,
            "width": width,
            "step": step,
            "full_step": full_width - width,
            "blocks": count_numbered(state, "stage3_orsnet.orb1.body.{}.body.0.weight"),
            "reduction": width // conv_sizes(state, LAYOUT, squeeze)[0],
        }
        return RecognisedCheckpoint("mprnet", arguments, renamed(state, _NAMES) or {}, LAYOUT)
