"""How other projects lay their checkpoints out: a table, one entry a layout.

Each entry reads a state dict, and either makes of it what one of our architectures takes or answers
None. A new one is a function and a line of `LAYOUTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from restorekit.errors import CheckpointError

StateDict = Mapping[str, Tensor]

_NORM = {"weight", "bias", "running_mean", "running_var"}
_HIDDEN = re.compile(r"conv_list\.(\d+)\.weight")


@dataclass(frozen=True)
class RecognisedCheckpoint:
    """What a checkpoint was recognised as.

    Attributes:
        architecture: a registered name.
        arguments: what to create it with.
        tensors: its state dict.
        layout: whose layout the checkpoint has.
    """

    architecture: str
    arguments: dict[str, Any]
    tensors: dict[str, Tensor]
    layout: str


@dataclass(frozen=True)
class CheckpointLayout:
    """One way of laying a network out.

    Attributes:
        name: the project's, as messages call it.
        keys: the first keys that such a checkpoint has, for messages.
        read: the network, or None where the keys are not of this layout.

    `read` raises CheckpointError where the keys are but the shapes are not.
    """

    name: str
    keys: str
    read: Callable[[StateDict], RecognisedCheckpoint | None]


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution of a plain stack, and the batch normalisation after it."""

    weight: Tensor
    bias: Tensor | None = None
    norm: Mapping[str, Tensor] | None = None

    @property
    def bias_or_zeros(self) -> Tensor:
        """The bias, zeros where there is none."""
        return self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias

    def folded(self, eps: float) -> Convolution:
        """The same without normalisation."""
        if self.norm is None:
            return self
        n = self.norm
        weight, bias = fuse_conv_bn_weights(
            self.weight, self.bias, n["running_mean"], n["running_var"], eps, n["weight"], n["bias"]
        )
        return Convolution(weight.detach(), bias.detach())


def _kair(state: StateDict) -> RecognisedCheckpoint | None:
    """cszn/KAIR: one flat sequence, biases everywhere, mostly folded, else with its own epsilon."""
    convs = _sequence(state, "model")
    if convs is None:
        return None
    convs = [conv.folded(eps=1e-4) for conv in convs]
    taken, made = convs[0].weight.shape[1], len(convs[-1].weight)
    if taken == made + 1 and made % 4 == 0:
        return _ffdnet(convs, "KAIR's FFDNet")
    return _dncnn(convs, "KAIR's DnCNN")


def _dncnn_pytorch(state: StateDict) -> RecognisedCheckpoint | None:
    """SaoYan/DnCNN-PyTorch and, with a bias in the first layer and its own epsilon, cszn/DnCNN."""
    convs = _sequence(state, "dncnn")
    if convs is None:
        return None
    if any(conv.bias is not None for conv in convs):
        return _dncnn([conv.folded(eps=1e-4) for conv in convs], "cszn's PyTorch DnCNN")
    return _dncnn(convs, "SaoYan's PyTorch DnCNN")


def _dncnn_deepinv(state: StateDict) -> RecognisedCheckpoint | None:
    """deepinv: the layers apart from each other, and minus the noise is predicted."""
    hidden = sorted(int(m[1]) for key in state if (m := _HIDDEN.fullmatch(key)))
    layers = ["in_conv", *(f"conv_list.{place}" for place in hidden), "out_conv"]
    numbered = {layer: f"all.{2 * place}" for place, layer in enumerate(layers)}
    if not {"in_conv.weight", "out_conv.weight"} <= state.keys():
        return None
    if missing := set(range(len(hidden))) - set(hidden):
        raise CheckpointError(f"layer 'conv_list.{min(missing)}' is missing")
    parts = {key: key.rpartition(".") for key in state}
    renamed = {
        f"{numbered.get(layer, layer)}.{what}": state[key]
        for key, (layer, _, what) in parts.items()
    }
    convs = _sequence(renamed, "all")
    if convs is None:
        return None
    last = convs[-1]
    convs[-1] = Convolution(-last.weight, None if last.bias is None else -last.bias)
    return _dncnn(convs, "deepinv's DnCNN")


def _ffdnet_ipol(state: StateDict) -> RecognisedCheckpoint | None:
    """Tassano et al., IPOL 2019: the level comes first, once a channel; the noise is predicted."""
    convs = _sequence(state, "intermediate_dncnn.itermediate_dncnn")
    if convs is None:
        return None
    layout = "the IPOL FFDNet"
    first, channels = convs[0].weight, len(convs[-1].weight) // 4
    if channels == 0 or first.shape[1] != 5 * channels:
        raise _misshapen(convs, layout, "FFDNet takes 5 a channel there and gives 4")
    level, phases = first[:, :channels].sum(1, keepdim=True), first[:, channels:]
    convs[0] = replace(convs[0], weight=torch.cat((phases, level), dim=1))
    return _ffdnet([conv.folded(eps=1e-5) for conv in convs], layout, residual=True)


LAYOUTS = (
    CheckpointLayout(
        "KAIR's DnCNN and FFDNet", "model.0.weight, model.0.bias, model.2.weight", _kair
    ),
    CheckpointLayout(
        "the PyTorch DnCNN of SaoYan and cszn", "dncnn.0.weight, dncnn.2.weight", _dncnn_pytorch
    ),
    CheckpointLayout(
        "deepinv's DnCNN", "in_conv.weight, in_conv.bias, conv_list.0.weight", _dncnn_deepinv
    ),
    CheckpointLayout(
        "the IPOL FFDNet", "intermediate_dncnn.itermediate_dncnn.0.weight", _ffdnet_ipol
    ),
)


def _dncnn(convs: list[Convolution], layout: str) -> RecognisedCheckpoint:
    """A stack of convolutions as our `dncnn`, which predicts the noise."""
    _check(convs, layout)
    channels, width = convs[0].weight.shape[1], len(convs[0].weight)
    if len(convs[-1].weight) != channels:
        raise _misshapen(convs, layout, "DnCNN has the same number there, FFDNet 4C + 1 and 4C")
    normed = all(conv.norm is not None for conv in convs[1:-1]) and len(convs) > 2
    if not normed or any(conv.bias is not None for conv in convs):
        normed, convs = False, [conv.folded(eps=1e-5) for conv in convs]
    arguments = {"channels": channels, "depth": len(convs), "width": width, "batch_norm": normed}
    return RecognisedCheckpoint("dncnn", arguments, _numbered(convs, normed), layout)


def _ffdnet(convs: list[Convolution], layout: str, residual: bool = False) -> RecognisedCheckpoint:
    """A stack of convolutions as our `ffdnet`."""
    _check(convs, layout)
    channels, width = len(convs[-1].weight) // 4, len(convs[0].weight)
    arguments = {"channels": channels, "depth": len(convs), "width": width, "residual": residual}
    return RecognisedCheckpoint("ffdnet", arguments, _numbered(convs, normed=False), layout)


def _numbered(convs: list[Convolution], normed: bool) -> dict[str, Tensor]:
    """The state dict of `layers`: convolutions, normalisations and ReLUs in one sequence."""
    tensors, place = {}, 0
    for conv in convs:
        tensors[f"layers.{place}.weight"] = conv.weight
        if not normed:
            tensors[f"layers.{place}.bias"] = conv.bias_or_zeros
        elif conv.norm is not None:
            place += 1
            tensors |= {f"layers.{place}.{key}": value for key, value in conv.norm.items()}
        place += 2
    return tensors


def _sequence(state: StateDict, prefix: str) -> list[Convolution] | None:
    """The convolutions of a sequence "prefix.0.weight", ..; None where there are other keys too.

    Raises:
        CheckpointError: the sequence has gaps, where a shorter network would be made of it.
    """
    pattern = re.compile(
        re.escape(prefix) + r"\.(\d+)\.(weight|bias|running_mean|running_var|num_batches_tracked)"
    )
    places: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        match = pattern.fullmatch(key)
        if match is None:
            return None
        places.setdefault(int(match[1]), {})[match[2]] = tensor
    convs: list[Convolution] = []
    for before, place in pairwise([-2, *sorted(places)]):
        layer = places[place]
        if place - before > 2:  # what has no tensors is one ReLU at a time
            where = f"between '{prefix}.{before}' and" if convs else "before"
            raise CheckpointError(
                f"layers are missing, or of another kind, {where} '{prefix}.{place}'"
            )
        if "weight" in layer and layer["weight"].ndim == 4 and layer.keys() <= {"weight", "bias"}:
            convs.append(Convolution(layer["weight"], layer.get("bias")))
        elif convs and layer.keys() >= _NORM and _fits(layer, len(convs[-1].weight)):
            layer.setdefault("num_batches_tracked", torch.tensor(0))  # torch before 0.4.1 has none
            convs[-1] = replace(convs[-1], norm=layer)
        else:
            return None
    if not _are_alike(convs):
        raise CheckpointError(
            f"some layers of '{prefix}' have a bias or a batch normalisation, others lack it"
        )
    return convs or None


def _are_alike(convs: list[Convolution]) -> bool:
    """Whether all but the first have a bias or none has, and all hidden ones a norm or none."""
    biases = {conv.bias is None for conv in convs[1:]}
    norms = {conv.norm is None for conv in convs[1:-1]}
    return len(biases) < 2 and len(norms) < 2


def _fits(norm: Mapping[str, Tensor], width: int) -> bool:
    """Whether a normalisation is one of so many features."""
    return all(norm[key].shape == (width,) for key in _NORM)


def _check(convs: list[Convolution], layout: str) -> None:
    """Refuse what is no stack of 3x3 convolutions of one width."""
    shapes = [tuple(conv.weight.shape) for conv in convs]
    width = shapes[0][0]
    plain = all(len(shape) == 4 and shape[2:] == (3, 3) for shape in shapes) and len(shapes) > 1
    if not plain or any(before[0] != after[1] for before, after in pairwise(shapes)):
        raise CheckpointError(
            f"the keys are those of {layout}, but no stack of 3x3 convolutions: {shapes[0]}, .."
        )
    if any(shape[0] != width for shape in shapes[:-1]):
        raise CheckpointError(f"the keys are those of {layout}, but its widths differ")


def _misshapen(convs: list[Convolution], layout: str, rule: str) -> CheckpointError:
    taken, made = convs[0].weight.shape[1], len(convs[-1].weight)
    return CheckpointError(
        f"the keys are those of {layout}, but it takes {taken} channels and gives {made}; {rule}"
    )
