"""How much memory the activations of a network take."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_PROBE = 64


def activation_bytes(
    model: nn.Module, run: Callable[[Tensor, float], Tensor], channels: int
) -> float:
    """Bytes that the outputs of all of a network's layers take for a pixel, in float32.

    Never are all of them needed at once, so this is more than it takes.

    Args:
        model: the network, whose layers are watched.
        run: the same as a function of a batch (1, C, H, W) in [0, 1] and sigma.
        channels: how many it takes.
    """
    total = 0
    here = threading.get_ident()

    def count(_module: nn.Module, _given: Any, output: Any) -> None:
        nonlocal total
        if isinstance(output, Tensor) and threading.get_ident() == here:  # others may run it, too
            total += output.numel() * 4

    hooks = [
        module.register_forward_hook(count)
        for module in model.modules()
        if next(module.children(), None) is None
    ]
    try:
        run(torch.full((1, channels, _PROBE, _PROBE), 0.5), 0.1)
    except Exception:  # a network may raise anything at a size it does not know
        total = 0
    finally:
        for hook in hooks:
            hook.remove()
    return total / _PROBE**2 + 8 * 4 * channels  # beside them the tile, and what becomes of it
