"""The layouts of DnCNN in several projects."""

from __future__ import annotations

import re

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.plain_stacks import (
    Convolution,
    StateDict,
    as_dncnn,
    read_sequence,
)

_HIDDEN = re.compile(r"conv_list\.(\d+)\.weight")


class DnCNNPyTorch:
    """SaoYan/DnCNN-PyTorch, and cszn/DnCNN with a bias in the first layer and epsilon 1e-4.

    Example:
        >>> layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3)
        >>> network = torch.nn.ModuleDict({"dncnn": torch.nn.Sequential(*layers)})
        >>> state = network.state_dict()
        >>> restorekit.create_layout("dncnn_pytorch")(state).arguments["depth"]
        2
    """

    keys = "dncnn.0.weight, dncnn.2.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        convs = read_sequence(state, "dncnn")
        if convs is None:
            return None
        if any(conv.bias is not None for conv in convs):
            return as_dncnn([conv.folded(eps=1e-4) for conv in convs], "cszn's PyTorch DnCNN")
        return as_dncnn(convs, "SaoYan's PyTorch DnCNN")


class DnCNNDeepinv:
    """deepinv: first, hidden and last layers have separate names; the negative noise is predicted.

    The keys are renamed to those of one flat sequence, and the last layer is negated.

    Example:
        >>> layers = {"in_conv": torch.nn.Conv2d(1, 4, 3), "out_conv": torch.nn.Conv2d(4, 1, 3)}
        >>> state = torch.nn.ModuleDict(layers).state_dict()
        >>> restorekit.create_layout("dncnn_deepinv")(state).arguments["width"]
        4
    """

    keys = "in_conv.weight, in_conv.bias, conv_list.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        hidden = sorted(int(m[1]) for key in state if (m := _HIDDEN.fullmatch(key)))
        layers = ["in_conv", *(f"conv_list.{place}" for place in hidden), "out_conv"]
        numbered = {layer: f"all.{2 * place}" for place, layer in enumerate(layers)}
        if not {"in_conv.weight", "out_conv.weight"} <= state.keys():
            return None
        # A gap would be closed by the renaming, and a shorter network would load without an error.
        if missing := set(range(len(hidden))) - set(hidden):
            raise CheckpointError(f"layer 'conv_list.{min(missing)}' is missing")
        parts = {key: key.rpartition(".") for key in state}
        renamed = {
            f"{numbered.get(layer, layer)}.{what}": state[key]
            for key, (layer, _, what) in parts.items()
        }
        convs = read_sequence(renamed, "all")
        if convs is None:
            return None
        last = convs[-1]
        # Our network predicts the noise itself and subtracts it.
        convs[-1] = Convolution(-last.weight, None if last.bias is None else -last.bias)
        return as_dncnn(convs, "deepinv's DnCNN")
