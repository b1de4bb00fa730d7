"""The layouts of KAIR's plain networks."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.plain_stacks import StateDict, as_dncnn, as_ffdnet, read_sequence


class KAIR:
    """cszn/KAIR: one flat sequence with biases, mostly folded, otherwise with epsilon 1e-4.

    Example:
        >>> layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3)
        >>> network = torch.nn.ModuleDict({"model": torch.nn.Sequential(*layers)})
        >>> state = network.state_dict()
        >>> restorekit.create_layout("kair")(state).architecture
        'dncnn'
    """

    keys = "model.0.weight, model.0.bias, model.2.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        convs = read_sequence(state, "model")
        if convs is None:
            return None
        convs = [conv.folded(eps=1e-4) for conv in convs]
        in_channels, out_channels = convs[0].weight.shape[1], len(convs[-1].weight)
        # FFDNet has four phases of each channel, and a noise map as a further input.
        if in_channels == out_channels + 1 and out_channels % 4 == 0:
            return as_ffdnet(convs, "KAIR's FFDNet")
        return as_dncnn(convs, "KAIR's DnCNN")
