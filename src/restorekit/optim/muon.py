"""Muon: orthogonalised momentum, for networks of convolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from restorekit.errors import ArgumentError

# Coefficients of the Newton-Schulz iteration: an odd polynomial that moves all singular values
# towards 1 (Jordan et al.).
POLYNOMIAL = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
# The updates of Adam have about this RMS (Liu et al.). With the same RMS here, learning rates for
# AdamW can be used unchanged.
ADAM_RMS = 0.2
_EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for hidden matrices, and AdamW for all other weights.

    A convolution's weight (out, in, k, k) counts as the matrix (out, in k k). The first and the
    last matrix, and everything with fewer than two dimensions, are updated by AdamW. In contrast,
    `torch.optim.Muon` accepts only weights of two dimensions.

    Reference: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024,
    https://kellerjordan.github.io/posts/muon/; the size of a step after Liu et al., Muon is
    Scalable for LLM Training, https://arxiv.org/abs/2502.16982

    Args:
        params: the weights, in the network's order.
        lr: learning rate, as for AdamW.
        momentum: decay of the running sum of gradients.
        betas: AdamW's decays, for the weights that go there.
        eps: AdamW's term for stability.
        weight_decay: decoupled, for all.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> model = restorekit.create_model("dncnn", depth=3, width=8)
        >>> optimizer = restorekit.create_optimizer("muon", model.parameters(), lr=1e-3)
        >>> [group["orthogonal"] for group in optimizer.param_groups]
        [True, False]
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for name, value in (("momentum", momentum), ("betas", betas[0]), ("betas", betas[1])):
            if not 0 <= value < 1:
                raise ArgumentError(f"optimizer 'muon': {name} must be in [0, 1), not {value}")
        weights = list(params)
        matrices = [weight for weight in weights if weight.ndim > 1][1:-1]
        hidden = {id(weight) for weight in matrices}
        others = [weight for weight in weights if id(weight) not in hidden]
        shared = {"lr": lr, "weight_decay": weight_decay}
        groups = [
            {"params": matrices, "orthogonal": True, "momentum": momentum, **shared},
            {"params": others, "orthogonal": False, "betas": betas, "eps": eps, **shared},
        ]
        super().__init__([group for group in groups if group["params"]], shared)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the weights once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["weight_decay"] and weights:
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            if group["orthogonal"]:
                self._orthogonal(weights, group["lr"], group["momentum"])
            else:
                self._adam(weights, group["lr"], group["betas"], group["eps"])
        return loss

    def _orthogonal(self, weights: list[nn.Parameter], rate: float, momentum: float) -> None:
        for weight in weights:
            gradient, state = _gradient(weight), self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            running = state["momentum"].lerp_(gradient, 1 - momentum)
            update = gradient.lerp(running, momentum)  # Nesterov momentum
            matrix = orthogonalize(update.flatten(1))
            size = ADAM_RMS * max(matrix.shape) ** 0.5
            weight.sub_(matrix.view(weight.shape).to(weight), alpha=rate * size)

    def _adam(
        self, weights: list[nn.Parameter], rate: float, betas: tuple[float, float], eps: float
    ) -> None:
        for weight in weights:
            gradient, state = _gradient(weight), self.state[weight]
            if not state:
                state.update(step=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
            state["step"] += 1
            mean = state["mean"].lerp_(gradient, 1 - betas[0])
            square = state["square"].lerp_(gradient.square(), 1 - betas[1])
            first, second = (1 - beta ** state["step"] for beta in betas)
            weight.addcdiv_(mean, (square / second).sqrt_().add_(eps), value=-rate / first)


def orthogonalize(matrix: Tensor) -> Tensor:
    """An approximation of the nearest matrix (m, n) with orthonormal rows or columns.

    In bfloat16, as the method is made for: they come out between about 0.7 and 1.2.
    """
    a, b, c = POLYNOMIAL
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: Tensor = (wide / (wide.norm() + _EPSILON)).bfloat16()
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide is matrix else x.T


def _gradient(weight: nn.Parameter) -> Tensor:
    gradient = weight.grad
    if type(gradient) is not Tensor:
        raise ArgumentError("optimizer 'muon' needs whole weights, and strategy 'fsdp' splits them")
    return gradient
