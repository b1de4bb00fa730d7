"""Optimizers by name, learning rates by step, and the moving average of the weights."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from restorekit.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from restorekit.config import TrainSettings


def make_optimizer(
    settings: TrainSettings, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer of torch.optim that the settings name, in any letter case.

    Raises:
        ConfigError: there is none of that name, or it does not take the arguments.
    """
    known = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and name != "Optimizer"
    }
    name = settings.optimizer.name.lower()
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError([f"train.optimizer: unknown optimizer '{name}'.{hint}"])
    takes = inspect.signature(known[name]).parameters
    offered: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": settings.betas,
        "weight_decay": settings.weight_decay,
        "fused": True if device.type in ("cpu", "cuda") else None,  # one pass over the weights
    }
    arguments = {k: v for k, v in offered.items() if k in takes} | settings.optimizer.arguments
    try:
        return known[name](parameters, **arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError([f"train.optimizer: {error}"]) from error


def learning_rate(settings: TrainSettings, step: int, total: int) -> float:
    """The learning rate of a step, counted from 1: a linear warm-up, then the schedule."""
    warmup = settings.warmup_steps
    if step <= warmup:
        return settings.learning_rate * step / warmup
    done = (step - 1 - warmup) / max(total - warmup, 1)
    factor = {
        "constant": 1.0,
        "cosine": (1 + math.cos(math.pi * done)) / 2,
        "step": 0.5 ** math.floor(done * 5),
    }[settings.schedule]
    return settings.learning_rate * factor


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step use this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class MovingAverage:
    """An exponential moving average of a model's weights; buffers are copied as they are."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step; early steps weigh more, so the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages: list[Tensor] = list(self.model.parameters())
        weights: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, buffer in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(buffer)
