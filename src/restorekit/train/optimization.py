"""Optimizers by name, learning rates by step, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from restorekit.components.kinds import optimizers, schedules
from restorekit.errors import ConfigError, RestoreKitError

if TYPE_CHECKING:
    from restorekit.config.train_settings import TrainSettings

Schedule = Callable[[float], float]


def make_optimizer(
    settings: TrainSettings, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer that the settings name; what its arguments leave out comes from the settings.

    Raises:
        ConfigError: it refuses an argument.
    """
    parameters = list(parameters)
    # Faster, one pass over memory. For split weights torch has it for Adam only.
    can_fuse = device.type in ("cpu", "cuda") and (
        settings.optimizer.name in ("adam", "adamw")
        or not any(isinstance(parameter, DTensor) for parameter in parameters)
    )
    supplied: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": settings.betas,
        "weight_decay": settings.weight_decay,
        "fused": True if can_fuse else None,
    }
    try:
        part = settings.optimizer.checked.supplied_with(supplied)
        made: torch.optim.Optimizer = optimizers.make(part, parameters)
    except RestoreKitError as error:
        raise ConfigError([f"train.optimizer: {error}"]) from error
    return made


def make_schedule(settings: TrainSettings) -> Schedule:
    """The schedule that the settings name.

    Raises:
        ConfigError: it refuses an argument.
    """
    try:
        made: Schedule = schedules.make(settings.schedule.checked)
    except RestoreKitError as error:
        raise ConfigError([f"train.schedule: {error}"]) from error
    return made


def learning_rate(settings: TrainSettings, schedule: Schedule, step: int, total: int) -> float:
    """The learning rate of a step, counted from 1: a linear warm-up, then the schedule.

    Raises:
        ConfigError: the schedule gives what no learning rate can be multiplied by.
    """
    warmup = settings.warmup_steps
    # Counted from 1, so that the first step does not have a rate of 0.
    if step <= warmup:
        return settings.learning_rate * step / warmup
    done = (step - 1 - warmup) / max(total - warmup, 1)
    factor = schedule(done)
    if not isinstance(factor, (int, float)) or not 0 <= factor < math.inf:
        name = settings.schedule.name
        raise ConfigError([f"train.schedule: '{name}' gives {factor!r} at {done:g} of the run"])
    return settings.learning_rate * factor


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step use this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class MovingAverage:
    """An exponential moving average of a model's weights; its buffers are the model's own."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.weights = [weight.detach().clone() for weight in model.parameters()]
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step; early steps weigh more, so the start is forgotten."""
        # The usual warm-up of an average: 2/11 at step 1, and 0.999 only from step 9,000 on.
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.weights, list(model.parameters()), 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within the block the model has the average weights."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    @torch.no_grad()
    def copy(self, model: nn.Module) -> None:
        """Begin again from a model's weights."""
        for average, weight in zip(self.weights, model.parameters(), strict=True):
            average.copy_(weight)

    @torch.no_grad()
    def _swap(self, model: nn.Module) -> None:
        for average, weight in zip(self.weights, model.parameters(), strict=True):
            # Values are copied, since optimizer and DDP hold references to the parameters.
            own = weight.clone()
            weight.copy_(average)
            average.copy_(own)
