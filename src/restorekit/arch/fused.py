"""A convolution and what follows it in one pass over memory, where oneDNN offers it.

For inference in bfloat16 on a CPU, where memory takes more of the time than arithmetic. The
operators are those that PyTorch's own compiler uses; they are no public interface, so each is tried
against the plain computation before its first use, which also serves everywhere else.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv_relu(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """`relu(layer(x))` of (B, C, H, W); without a gradient it may be computed in one pass."""
    if _serves(x):
        return _fused_relu(layer, x)
    # In place here and below: no gradient needs what is overwritten.
    return functional.relu_(layer(x))


def conv_add(layer: nn.Conv2d, x: Tensor, other: Tensor) -> Tensor:
    """`layer(x) + other` of (B, C, H, W); without a gradient it may be computed in one pass."""
    if _serves(x):
        return _fused_add(layer, x, other)
    added: Tensor = layer(x)
    return added.add_(other)


def _serves(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.bfloat16
        and not torch.is_grad_enabled()
        and torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and _is_right()
    )


def _fused_relu(layer: nn.Conv2d, x: Tensor) -> Tensor:
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(x, *_arguments(layer), "relu", [], "")
    return result


def _fused_add(layer: nn.Conv2d, x: Tensor, other: Tensor) -> Tensor:
    result: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
        x, other, *_arguments(layer), "add", 1.0, None, [], None
    )
    return result


def _arguments(layer: nn.Conv2d) -> tuple[object, ...]:
    weight = layer.weight.to(torch.bfloat16)
    bias = None if layer.bias is None else layer.bias.to(torch.bfloat16)
    return weight, bias, layer.padding, layer.stride, layer.dilation, layer.groups


@cache
def _is_right() -> bool:
    """Whether the operators are there and do what they are taken to do."""
    # Numbers of its own: other threads may draw from torch's generator meanwhile.
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        layer = nn.Conv2d(8, 8, 3, padding=1, device="meta").to_empty(device="cpu")
        for parameter in layer.parameters():
            parameter.normal_(std=0.07, generator=generator)
        x = torch.randn(1, 8, 9, 7, generator=generator)
        half = x.bfloat16().contiguous(memory_format=torch.channels_last)
        try:
            relu, add = _fused_relu(layer, half), _fused_add(layer, half, half)
        except (AttributeError, RuntimeError, TypeError, NotImplementedError):
            return False
        with torch.autocast("cpu", enabled=False):
            expected = layer(x)
    return torch.allclose(relu.float(), expected.relu(), atol=0.05) and torch.allclose(
        add.float(), expected + x, atol=0.05
    )
