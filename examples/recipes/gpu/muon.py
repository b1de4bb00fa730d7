"""Muon for CUDA graphs: matrices of one shape are batched, and the learning rate is a tensor.

The steps are those of `restorekit.optim.muon.Muon`, with far fewer kernel launches.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from restorekit.optim.muon import ADAM_RMS, ITERATIONS, POLYNOMIAL


class BatchedMuon:
    """Orthogonalised momentum for all hidden matrices, and Adam for the first and the last.

    Args:
        weights: in the order of the network, each with at least two dimensions.
        rate: learning rate, a tensor without dimensions, read at every step.
        momentum: decay of the running mean of gradients.
        betas: Adam's decays.
    """

    def __init__(
        self,
        weights: list[Tensor],
        rate: Tensor,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        self.rate, self.momentum, self.betas = rate, momentum, betas
        self.ends = [weights[0], weights[-1]]
        shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for weight in weights[1:-1]:
            shapes[weight.flatten(1).shape].append(weight)
        self.groups = list(shapes.values())
        self.running = [torch.zeros_like(_stacked(group)) for group in self.groups]
        self.means = [torch.zeros_like(weight) for weight in self.ends]
        self.squares = [torch.zeros_like(weight) for weight in self.ends]
        self.decays = torch.tensor(betas, device=rate.device)
        self.left = torch.ones_like(self.decays)  # weight of the initial zeros in Adam's means

    @torch.no_grad()
    def step(self) -> None:
        """Take one step."""
        for group, running in zip(self.groups, self.running, strict=True):
            gradient = torch.stack([_gradient(weight).flatten(1) for weight in group])
            running.lerp_(gradient, 1 - self.momentum)
            update = orthogonalized(gradient.lerp(running, self.momentum))
            update = update.float() * (-self.rate * ADAM_RMS * max(update.shape[1:]) ** 0.5)
            changes = [change.view_as(w) for change, w in zip(update, group, strict=True)]
            torch._foreach_add_(group, changes)
        self.left.mul_(self.decays)
        for weight, mean, square in zip(self.ends, self.means, self.squares, strict=True):
            mean.lerp_(_gradient(weight), 1 - self.betas[0])
            square.lerp_(_gradient(weight).square(), 1 - self.betas[1])
            size = (square / (1 - self.left[1])).sqrt_().add_(1e-8)
            weight.sub_(self.rate / (1 - self.left[0]) * mean / size)


def orthogonalized(matrices: Tensor) -> Tensor:
    """Move the singular values of matrices (N, m, n) towards 1, in bfloat16."""
    a, b, c = POLYNOMIAL
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    x: Tensor = (wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide is matrices else x.mT


def _gradient(weight: Tensor) -> Tensor:
    assert weight.grad is not None
    return weight.grad


def _stacked(group: list[Tensor]) -> Tensor:
    return torch.stack([weight.detach().flatten(1) for weight in group])
