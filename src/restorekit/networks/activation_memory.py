"""The memory that the activations of a network need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

_PROBE = 64


def activation_bytes(
    model: nn.Module,
    run: Callable[[Tensor, float], Tensor],
    channels: int,
    *,
    kept: bool = False,
) -> float:
    """Bytes per pixel of the outputs of all layers of a network, in float32.

    This is an upper bound, because the outputs are never all needed at once.

    Args:
        model: the network, whose layers are observed.
        run: the network as a function of a batch (1, C, H, W) in [0, 1] and sigma.
        channels: number of channels of the network.
        kept: leave out what training computes again in the backward pass (`checkpoint`).
    """
    total = 0
    here = threading.get_ident()

    def count(_module: nn.Module, _given: object, output: object) -> None:
        nonlocal total
        if (
            isinstance(output, Tensor) and threading.get_ident() == here
        ):  # other threads may run the network too
            total += output.numel() * 4

    hooks = [layer.register_forward_hook(count) for layer in set(_observed(model, kept))]
    try:
        run(torch.full((1, channels, _PROBE, _PROBE), 0.5), 0.1)
    except Exception:  # a network may raise anything for an unsupported size
        total = 0
    finally:
        for hook in hooks:
            hook.remove()
    return total / _PROBE**2 + 8 * 4 * channels  # plus the tile and its result


def _observed(module: nn.Module, kept: bool) -> Iterator[nn.Module]:
    """Layers without parts, and with `kept` whole blocks where their parts are computed again."""
    parts = list(module.children())
    if kept and getattr(module, "checkpoint", False) is True:
        yield from parts
    elif not parts:
        yield module
    else:
        for part in parts:
            yield from _observed(part, kept)
