"""The layout of FFDNet in the code of its IPOL article."""

from __future__ import annotations

from dataclasses import replace

import torch

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.plain_stacks import (
    StateDict,
    as_ffdnet,
    read_sequence,
    shape_error,
)


class FFDNetIPOL:
    """Tassano et al., IPOL 2019: one noise map per channel, before the image; predicts the noise.

    The noise maps of all channels are equal, so their weights are added up.

    Example:
        >>> layers = torch.nn.Conv2d(5, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3)
        >>> inner = torch.nn.ModuleDict({"itermediate_dncnn": torch.nn.Sequential(*layers)})
        >>> state = torch.nn.ModuleDict({"intermediate_dncnn": inner}).state_dict()
        >>> restorekit.create_layout("ffdnet_ipol")(state).arguments["channels"]
        1
    """

    keys = "intermediate_dncnn.itermediate_dncnn.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        convs = read_sequence(state, "intermediate_dncnn.itermediate_dncnn")
        if convs is None:
            return None
        layout = "the IPOL FFDNet"
        first, channels = convs[0].weight, len(convs[-1].weight) // 4
        if channels == 0 or first.shape[1] != 5 * channels:
            raise shape_error(
                convs, layout, "FFDNet needs 5 inputs and 4 outputs per channel there"
            )
        sigma_map, phases = first[:, :channels].sum(1, keepdim=True), first[:, channels:]
        convs[0] = replace(convs[0], weight=torch.cat((phases, sigma_map), dim=1))
        return as_ffdnet([conv.folded(eps=1e-5) for conv in convs], layout, residual=True)
