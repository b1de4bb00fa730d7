"""How much memory a training takes at least, and what is said when it is not enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restorekit.components.component_records import origin_of
from restorekit.errors import ArgumentError
from restorekit.memory import available_memory, format_size, memory_errors
from restorekit.networks.activation_memory import activation_bytes
from restorekit.networks.network import model_name
from restorekit.records import restore_batch
from restorekit.train.dataset_items import as_sample, shape_of
from restorekit.train.train_plan import TrainPlan

# A lower bound: activations are in half precision at best, and half of the layers work in place.
_LEAST_KEPT = 0.25


def check_memory(plan: TrainPlan, device: torch.device, processes: int) -> None:
    """Raise an error for a training whose batches cannot fit in memory.

    A lower bound: what passes may still run out of memory.

    Args:
        plan: with the model still on the CPU.
        device: where it will be trained.
        processes: how many share a batch.

    Raises:
        ArgumentError: it cannot fit; the message has the estimate and what there is.
    """
    shape = _shape(plan.dataset)
    if shape is None:
        return
    images = -(-plan.settings.batch_size // processes)
    at_once = -(-images // plan.settings.accumulate)
    kept = _LEAST_KEPT * _activations(plan, shape[0]) * math.prod(shape[1:]) * at_once
    batch = images * math.prod(shape) * 4
    weights = [w for w in plan.model.parameters() if w.requires_grad]
    gradients = sum(w.numel() * w.element_size() for w in weights)
    # A batch is made in the memory of the CPU, wherever the network is.
    for place, needed in ((torch.device("cpu"), batch), (device, batch + kept + gradients)):
        if needed > (free := available_memory(place)):
            raise ArgumentError(
                f"train.batch_size: {images:,} images of {'x'.join(map(str, shape))} take "
                f"at least {format_size(int(needed))} on {place}, more than the "
                f"{format_size(free)} that are free; use fewer or smaller ones, train.accumulate "
                "or a smaller model"
            )


def training_memory_errors(
    plan: TrainPlan, device: torch.device, checkpoint: Callable[[], Path | None]
) -> AbstractContextManager[None]:
    """Within the block a failed allocation becomes an error of one line with remedies.

    Args:
        plan: the run.
        device: where it is trained.
        checkpoint: gives the training state from which the run can go on, if there is one.

    Raises:
        InsufficientMemoryError: an allocation failed.
    """

    def describe() -> str:
        size, path = plan.settings.batch_size, checkpoint()
        larger = "train.batch_size, " if size > 1 else ""
        parts = ", or a larger train.accumulate" if size > plan.settings.accumulate else ""
        kept = f"; --resume goes on from {path}" if path else ""
        return (
            f"on {device} to train model '{model_name(plan.model)}' with train.batch_size {size}; "
            f"use a smaller {larger}dataset.patch_size or model{parts}{kept}"
        )

    return memory_errors(describe)


def _shape(dataset: Any) -> tuple[int, ...] | None:
    """The shape (C, H, W) of a dataset's first image; None if it has no image."""
    if (side := getattr(dataset, "patch_size", None)) is not None:
        return dataset.channels, side, side
    try:
        return shape_of(as_sample(dataset[0]))
    except Exception:  # reported when the images are read in order
        return None


def _activations(plan: TrainPlan, channels: int) -> float:
    """Bytes that the layers of a network made by name put out for a pixel, in float32."""
    if origin_of(plan.model) is None:  # a module of the user is not called before the training
        return 0.0
    was_training = plan.model.training
    plan.model.eval()  # so that batch statistics and random numbers do not change

    def run(noisy: Tensor, sigma: float) -> Tensor:
        with torch.no_grad():
            return restore_batch(plan.model, noisy, torch.full((1, 1, 1, 1), sigma)).image

    try:
        return activation_bytes(plan.model, run, channels, kept=True)
    finally:
        plan.model.train(was_training)
