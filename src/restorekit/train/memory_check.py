"""How much memory a training takes at least, known before it begins."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from restorekit.components.registry import origin_of
from restorekit.errors import ArgumentError
from restorekit.memory import available_memory, format_size
from restorekit.networks.activation_memory import activation_bytes
from restorekit.train.dataset_pictures import as_image
from restorekit.train.train_plan import TrainPlan, restore_function

# Activations are kept in half precision at best, and half of the layers work in place.
_LEAST_KEPT = 0.25


def check_memory(plan: TrainPlan, device: torch.device, processes: int) -> None:
    """Refuse a training whose batches cannot fit the memory there is.

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
    for place, needed in ((torch.device("cpu"), batch), (device, batch + kept)):
        if needed > (free := available_memory(place)):
            raise ArgumentError(
                f"train.batch_size: {images:,} images of {'x'.join(map(str, shape))} take "
                f"at least {format_size(int(needed))} on {place}, more than the "
                f"{format_size(free)} that are free; use fewer, smaller ones, or train.accumulate"
            )


def _shape(dataset: Any) -> tuple[int, ...] | None:
    """The shape (C, H, W) of a dataset's first image; None where it has none."""
    if (side := getattr(dataset, "patch_size", None)) is not None:
        return dataset.channels, side, side
    try:
        return tuple(as_image(dataset[0]).shape)
    except Exception:  # what is wrong with it is told when the images are read in order
        return None


def _activations(plan: TrainPlan, channels: int) -> float:
    """Bytes that the layers of a network made by name put out for a pixel, in float32."""
    if origin_of(plan.model) is None:  # a module of the user's own is not run before its time
        return 0.0
    restore, was_training = restore_function(plan.model), plan.model.training
    plan.model.eval()  # no statistics of batches change, and nothing is drawn

    def run(noisy: Tensor, sigma: float) -> Tensor:
        with torch.no_grad():
            return restore(noisy, torch.full((1, 1, 1, 1), sigma)).image

    try:
        return activation_bytes(plan.model, run, channels)
    finally:
        plan.model.train(was_training)
