"""A convolution and the operation after it in one pass over memory, if oneDNN supports it.

This helps inference in bfloat16 on a CPU, where memory access takes more time than arithmetic. The
operators are those that PyTorch's own compiler uses. They are not a public interface, so they are
compared with the plain computation before their first use. If they are missing or differ, and on
all other devices and dtypes, the plain computation is used.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv_relu(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """`relu(layer(x))` for (B, C, H, W), in one pass if no gradient is needed."""
    if _can_fuse(x):
        return _fused_relu(layer, x)
    # In place here and below: the backward pass of a convolution does not need its own output.
    return functional.relu_(layer(x))


def conv_add(layer: nn.Conv2d, x: Tensor, other: Tensor) -> Tensor:
    """`layer(x) + other` for (B, C, H, W), in one pass if no gradient is needed."""
    if _can_fuse(x):
        return _fused_add(layer, x, other)
    added: Tensor = layer(x)
    return added.add_(other)


def _can_fuse(x: Tensor) -> bool:
    # The operators have no backward pass, and torch.compile fuses by itself.
    return (
        x.device.type == "cpu"
        and x.dtype == torch.bfloat16
        and not torch.is_grad_enabled()
        and torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and _operators_work()
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
def _operators_work() -> bool:
    """Whether the operators exist and agree with the plain computation on a small example."""
    # A generator of its own: drawing from torch's default one would change the random numbers of
    # the caller, and other threads may use it at the same time.
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
