"""Plain stacks of convolutions of other projects, as our `dncnn` and `ffdnet`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint

StateDict = Mapping[str, Tensor]

_NORM = {"weight", "bias", "running_mean", "running_var"}


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution of a plain stack, and the batch normalisation after it."""

    weight: Tensor
    bias: Tensor | None = None
    norm: Mapping[str, Tensor] | None = None

    @property
    def bias_or_zeros(self) -> Tensor:
        """The bias, or zeros without one."""
        return self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias

    def folded(self, eps: float) -> Convolution:
        """An equal convolution that includes the normalisation."""
        if self.norm is None:
            return self
        n = self.norm
        weight, bias = fuse_conv_bn_weights(
            self.weight, self.bias, n["running_mean"], n["running_var"], eps, n["weight"], n["bias"]
        )
        return Convolution(weight.detach(), bias.detach())


def as_dncnn(convs: list[Convolution], layout: str) -> RecognisedCheckpoint:
    """A stack of convolutions as our `dncnn`, which predicts the noise."""
    _check(convs, layout)
    channels, width = convs[0].weight.shape[1], len(convs[0].weight)
    if len(convs[-1].weight) != channels:
        raise shape_error(
            convs, layout, "DnCNN has equal numbers there, FDnCNN C + 1 and C, FFDNet 4C + 1 and 4C"
        )
    normed = all(conv.norm is not None for conv in convs[1:-1]) and len(convs) > 2
    # Our DnCNN has either batch normalisation or biases. Anything else is folded into biases.
    if not normed or any(conv.bias is not None for conv in convs):
        normed, convs = False, [conv.folded(eps=1e-5) for conv in convs]
    arguments = {"channels": channels, "depth": len(convs), "width": width, "batch_norm": normed}
    return RecognisedCheckpoint("dncnn", arguments, _numbered(convs, normed), layout)


def as_ffdnet(
    convs: list[Convolution], layout: str, residual: bool = False
) -> RecognisedCheckpoint:
    """A stack of convolutions as our `ffdnet`."""
    _check(convs, layout)
    channels, width = len(convs[-1].weight) // 4, len(convs[0].weight)
    arguments = {"channels": channels, "depth": len(convs), "width": width, "residual": residual}
    return RecognisedCheckpoint("ffdnet", arguments, _numbered(convs, normed=False), layout)


def as_fdncnn(convs: list[Convolution]) -> RecognisedCheckpoint:
    """A stack of convolutions as our `fdncnn`."""
    _check(convs, layout := "KAIR's FDnCNN")
    channels, width = len(convs[-1].weight), len(convs[0].weight)
    arguments = {"channels": channels, "depth": len(convs), "width": width}
    return RecognisedCheckpoint("fdncnn", arguments, _numbered(convs, normed=False), layout)


def as_ircnn(convs: list[Convolution]) -> RecognisedCheckpoint:
    """A stack of convolutions as our `ircnn`."""
    found = as_dncnn(convs, "KAIR's IRCNN")
    arguments = {key: value for key, value in found.arguments.items() if key != "depth"}
    return replace(found, architecture="ircnn", arguments=arguments)


def _numbered(convs: list[Convolution], normed: bool) -> dict[str, Tensor]:
    """The state dict of `layers`: convolutions, normalisations and ReLUs in one sequence."""
    tensors, number = {}, 0
    for conv in convs:
        tensors[f"layers.{number}.weight"] = conv.weight
        if not normed:
            tensors[f"layers.{number}.bias"] = conv.bias_or_zeros
        elif conv.norm is not None:
            number += 1
            tensors |= {f"layers.{number}.{key}": value for key, value in conv.norm.items()}
        number += 2  # the ReLU in between has no tensors
    return tensors


def read_sequence(state: StateDict, prefix: str) -> list[Convolution] | None:
    """The convolutions of a sequence "prefix.0.weight", ..; None if there are other keys.

    Raises:
        CheckpointError: the sequence has gaps; ignoring them would load a shorter network.
    """
    pattern = re.compile(
        re.escape(prefix) + r"\.(\d+)\.(weight|bias|running_mean|running_var|num_batches_tracked)"
    )
    layers: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        match = pattern.fullmatch(key)
        if match is None:
            return None
        layers.setdefault(int(match[1]), {})[match[2]] = tensor
    convs: list[Convolution] = []
    # From -2, so that the first layer may have number 0 only.
    for previous, number in pairwise([-2, *sorted(layers)]):
        layer = layers[number]
        if number - previous > 2:  # one number may be missing: a ReLU has no tensors
            where = f"between '{prefix}.{previous}' and" if convs else "before"
            raise CheckpointError(
                f"layers are missing, or of another kind, {where} '{prefix}.{number}'"
            )
        if "weight" in layer and layer["weight"].ndim == 4 and layer.keys() <= {"weight", "bias"}:
            convs.append(Convolution(layer["weight"], layer.get("bias")))
        elif convs and layer.keys() >= _NORM and _fits(layer, len(convs[-1].weight)):
            layer.setdefault("num_batches_tracked", torch.tensor(0))  # missing before torch 0.4.1
            convs[-1] = replace(convs[-1], norm=layer)
        else:
            return None
    if not _are_alike(convs):
        raise CheckpointError(
            f"only some layers of '{prefix}' have a bias or a batch normalisation"
        )
    return convs or None


def _are_alike(convs: list[Convolution]) -> bool:
    """Whether all layers agree: on a bias, except for the first, and hidden ones on a norm."""
    biases = {conv.bias is None for conv in convs[1:]}
    norms = {conv.norm is None for conv in convs[1:-1]}
    return len(biases) < 2 and len(norms) < 2


def _fits(norm: Mapping[str, Tensor], width: int) -> bool:
    """Whether a normalisation is for `width` features."""
    return all(norm[key].shape == (width,) for key in _NORM)


def _check(convs: list[Convolution], layout: str) -> None:
    """Raise an error unless this is a stack of 3x3 convolutions of one width."""
    shapes = [tuple(conv.weight.shape) for conv in convs]
    width = shapes[0][0]
    plain = all(len(shape) == 4 and shape[2:] == (3, 3) for shape in shapes) and len(shapes) > 1
    if not plain or any(before[0] != after[1] for before, after in pairwise(shapes)):
        raise CheckpointError(
            f"the keys are those of {layout}, but the shapes are not those of a stack of 3x3 "
            f"convolutions: {shapes[0]}, .."
        )
    if any(shape[0] != width for shape in shapes[:-1]):
        raise CheckpointError(
            f"the keys are those of {layout}, but its layers have different widths"
        )


def shape_error(convs: list[Convolution], layout: str, rule: str) -> CheckpointError:
    """The error for channels that a layout cannot have; `rule` says which it has."""
    in_channels, out_channels = convs[0].weight.shape[1], len(convs[-1].weight)
    return CheckpointError(
        f"the keys are those of {layout}, but it has {in_channels} input and {out_channels} output "
        f"channels; {rule}"
    )
