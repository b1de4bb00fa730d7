"""The network in training: one step from a batch of images to new weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from restorekit.errors import ArgumentError
from restorekit.networks.network import model_name
from restorekit.records import Restoration, restore_batch
from restorekit.train.batch_loss import batch_loss
from restorekit.train.checkpoint import (
    RunState,
    Stateful,
    capture_state,
    gather_weights,
    restore_state,
)
from restorekit.train.execution import Execution
from restorekit.train.health import Health
from restorekit.train.mixed_batches import ImageBatch, make_task, map_batch, split_batch
from restorekit.train.optimization import MovingAverage, make_optimizer, set_learning_rate
from restorekit.train.train_plan import TrainPlan


class Learner:
    """A network, its optimizer, and all else that a step changes.

    Args:
        plan: the run.
        model: the network of the plan, prepared by `execution`.
        execution: where and how the run computes.
        checkpoint: gives the training state to go back to, if there is one, for error messages.

    Attributes:
        objective: makes the inputs and the targets of a step.

    Raises:
        ConfigError: the optimizer refuses an argument.
    """

    def __init__(
        self,
        plan: TrainPlan,
        model: nn.Module,
        execution: Execution,
        checkpoint: Callable[[], Path | None],
    ) -> None:
        settings = plan.settings
        self.settings, self.terms, self.objective = settings, plan.terms, plan.objective
        self.model, self.execution, self.checkpoint = model, execution, checkpoint
        self.optimizer = make_optimizer(settings, model.parameters(), execution.device)
        self.average = MovingAverage(model, settings.ema) if settings.ema else None
        self.health = Health(settings.max_nonfinite)

    def step(self, step: int, images: ImageBatch, places: range, rate: float) -> dict[str, Tensor]:
        """Do one optimizer step.

        Args:
            step: its number, from 1. Noise and dropout are derived from it.
            images: the part of the batch for this process, (n, C, H, W), in [0, 1].
            places: their places in the batch of all processes.
            rate: the learning rate.

        Returns:
            The loss terms and their weighted sum. Values are the contribution of this process to
            the mean over the batch.

        Raises:
            ArgumentError: the loss does not depend on the output of the network, or the network
                changes its input.
            DivergenceError: too many steps in a row had no finite loss and gradient.
        """
        settings, execution = self.settings, self.execution
        set_learning_rate(self.optimizer, rate)
        self._enter(step)
        self.optimizer.zero_grad(set_to_none=True)
        measured: dict[str, Tensor] = {}
        buffers = self._copy_buffers()
        parts, done = self._split(images), 0
        for number, part in enumerate(parts, 1):
            share = len(part) / settings.batch_size
            with execution.accumulating(self.model, last=number == len(parts)):
                values = self._measure(step, part, places[done : done + len(part)], self.model)
                # DDP averages gradients over processes; this weights each process by its images.
                execution.scaler.scale(
                    values["loss"] * share * execution.processes.launch.world
                ).backward()
            for name, value in values.items():
                measured[name] = measured.get(name, 0) + value.detach() * share
            done += len(part)
        self._apply_gradients(step, measured, buffers)
        return measured

    def rehearse(self, step: int, images: ImageBatch, places: range) -> None:
        """Compute the loss of the first part of a batch, and change nothing.

        What can fail in a step fails here, before anything is written.

        Args:
            step, images, places: as for `step`.

        Raises:
            RestoreKitError: model, noise, objective and losses do not fit each other.
        """
        self._enter(step)
        buffers, part = self._copy_buffers(), self._split(images)[0]
        self._measure(step, part, places[: len(part)], self.execution.alone(self.model))
        self._set_buffers(buffers)

    def weights(self) -> dict[str, Tensor]:
        """Copy the weights to use, of which only the main process gets sharded ones.

        They are the moving average, if one is kept. All processes must call it.
        """
        with self.usable_weights():
            return gather_weights(self.model)

    def usable_weights(self) -> AbstractContextManager[None]:
        """Within the block the model has the moving average of its weights, if one is kept."""
        return self.average.applied(self.model) if self.average else nullcontext()

    def capture(self, **others: Stateful) -> RunState:
        """The complete state, with that of `others`. All processes must call it."""
        return capture_state(self.model, self.optimizer, self.average, **self._parts, **others)

    def restore(self, state: RunState, **others: Stateful) -> None:
        """Restore a state that `capture` returned.

        Raises:
            CheckpointError: it belongs to another model, optimizer or configuration.
        """
        restore_state(state, self.model, self.optimizer, self.average, **self._parts, **others)

    @property
    def _parts(self) -> dict[str, Stateful]:
        return {"scaler": self.execution.scaler, "health": self.health}

    def _enter(self, step: int) -> None:
        """Prepare the network and the random numbers that it draws for a step."""
        execution = self.execution
        execution.seed(self.settings.seed, "network", step, execution.processes.launch.rank)
        self.model.train()

    def _split(self, images: ImageBatch) -> list[ImageBatch]:
        """The parts of a batch that are computed one after the other."""
        # The number of parts must be equal in all processes, since they synchronise in each part.
        world = self.execution.processes.launch.world
        return split_batch(images, min(self.settings.accumulate, self.settings.batch_size // world))

    def _copy_buffers(self) -> list[Tensor]:
        return [buffer.clone() for buffer in self.model.buffers()]

    @torch.no_grad()
    def _set_buffers(self, values: list[Tensor]) -> None:
        for buffer, before in zip(self.model.buffers(), values, strict=True):
            buffer.copy_(before)

    def _measure(
        self, step: int, images: ImageBatch, places: range, model: nn.Module
    ) -> dict[str, Tensor]:
        """The loss terms of a part of a batch, and their weighted sum "loss"."""
        placed = map_batch(images, self.execution.place)
        batch = make_task(self.objective, placed, self.settings.seed, step, places)
        values = batch_loss(self.objective, batch, partial(self._restore, model), self.terms)
        if not values["loss"].requires_grad:
            raise ArgumentError("the loss terms do not depend on the network's output")
        return values

    def _restore(
        self,
        model: nn.Module,
        noisy: Tensor,
        sigma: Tensor | None = None,
        *,
        exact: bool = False,
    ) -> Restoration:
        """The network's output of a batch, in the run's precision or in float32.

        Raises:
            ArgumentError: the network changes its input.
        """
        before = _version(noisy)
        with self.execution.autocast(enabled=not exact):
            restoration = restore_batch(model, noisy, sigma)
        if _version(noisy) != before:
            raise ArgumentError(
                f"model {model_name(model)} changes its input in place, but the noisy images "
                "are still needed; let it change a copy, noisy.clone()"
            )
        return restoration

    def _apply_gradients(
        self, step: int, measured: dict[str, Tensor], buffers: list[Tensor]
    ) -> None:
        """Update the weights. A step whose loss or gradient is not finite is skipped."""
        settings, scaler, processes = self.settings, self.execution.scaler, self.execution.processes
        scaler.unscale_(self.optimizer)
        weights = list(self.model.parameters())
        norm = nn.utils.get_total_norm(w.grad for w in weights if w.grad is not None)
        if settings.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(weights, settings.clip_norm, norm)
        size = float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
        loss = float(processes.sum({"loss": measured["loss"]})["loss"])
        if math.isfinite(size) and math.isfinite(loss):
            scaler.step(self.optimizer)
            self.health.good()
            if self.average is not None:
                self.average.update(self.model, step)
        else:
            self._set_buffers(buffers)  # running statistics include the bad batch
            # While a float16 scaler is still reducing its scale, overflows are expected and are
            # not counted as faults.
            if not scaler.is_enabled() or not math.isfinite(loss) or scaler.get_scale() < 1:
                values = {name: float(v) for name, v in processes.sum(measured).items()}
                rate = self.optimizer.param_groups[0]["lr"]
                self.health.bad(step, values, rate, self.checkpoint())
        scaler.update()


def _version(batch: Tensor) -> int:
    """How often a tensor was written to; 0 where torch does not count."""
    return 0 if batch.is_inference() else batch._version
