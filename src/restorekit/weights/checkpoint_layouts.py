"""Layouts of the checkpoints of other projects, one class each: components of the kind `layout`.

A layout converts a state dict to one of our architectures, and returns None for other keys. It
raises CheckpointError if the keys are of its layout but the shapes are not.
"""

from __future__ import annotations

import re
from dataclasses import replace

import torch

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.plain_stacks import (
    Convolution,
    StateDict,
    as_dncnn,
    as_ffdnet,
    read_sequence,
    shape_error,
)

_HIDDEN = re.compile(r"conv_list\.(\d+)\.weight")


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
