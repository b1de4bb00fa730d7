"""Activation checkpointing: compute a part of a network again in the backward pass, to save memory.

Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016, https://arxiv.org/abs/1604.06174
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as run_checkpointed


class Blocks(nn.Sequential):
    """Modules in sequence, on request with activation checkpointing.

    The names of the weights are those of `nn.Sequential`. An architecture that takes an argument
    `checkpoint` makes each of its sequences of blocks with this class.

    Args:
        blocks: modules that map a tensor to a tensor.
        checkpoint: keep only the input of each block for the backward pass, which computes the
            block again. The gradients are the same, training takes less memory and about a third
            more time. Without gradients there is no difference.

    Attributes:
        checkpoint: as given; the estimate of what a training needs reads it.
    """

    def __init__(self, *blocks: nn.Module, checkpoint: bool = False) -> None:
        super().__init__(*blocks)
        self.checkpoint = checkpoint

    def forward(self, x: Tensor) -> Tensor:
        """The output of the last block."""
        for block in self:
            x = recomputed(block, x) if self.checkpoint else block(x)
        return x


def recomputed(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """`function(*inputs)`; its intermediate results are not kept for the backward pass."""
    if not torch.is_grad_enabled() or torch.compiler.is_exporting():
        return function(*inputs)
    result: Tensor = run_checkpointed(function, *inputs, use_reentrant=False)
    return result
