"""Training tasks: they turn a clean batch into inputs and targets of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from restorekit.records import Restoration
from restorekit.train.batches import corrupt


@dataclass(frozen=True)
class TaskBatch:
    """The inputs of a network and the targets of its outputs.

    Attributes:
        input: input of the network, (B, C, H, W).
        target: target of its output, (B, C, H, W).
        sigma: noise level of the input, if it is known.
        mask: True for pixels that contribute to the loss, broadcastable to the target; None for
            all pixels.
    """

    input: Tensor
    target: Tensor
    sigma: Tensor | None = None
    mask: Tensor | None = None

    def masked(self, answer: Restoration) -> Restoration:
        """The output with masked pixels replaced by the target, so that they add no loss."""
        if self.mask is None:
            return answer
        return replace(answer, image=torch.where(self.mask, answer.image, self.target))


class Task(Protocol):
    """A way of learning."""

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The inputs and targets of a batch of images; equal arguments give equal results."""


@dataclass(frozen=True)
class Supervised:
    """Clean images are the targets; the noise model makes the inputs."""

    noise: nn.Module

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The images with noise as inputs, and without it as targets."""
        degraded = corrupt(self.noise, images, seed, "noise", step, places)
        return TaskBatch(degraded.noisy, images, degraded.sigma)
