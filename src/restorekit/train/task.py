"""What turns a clean batch into something to learn from: the seam for other ways of learning."""

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
    """The inputs of a network and the targets of its answers.

    Attributes:
        input: what the network sees, (B, C, H, W).
        target: what its answer is compared with, (B, C, H, W).
        sigma: the noise level of the input where it is known.
        mask: True where the comparison counts, broadcastable to the target; None is everywhere.
    """

    input: Tensor
    target: Tensor
    sigma: Tensor | None = None
    mask: Tensor | None = None

    def masked(self, answer: Restoration) -> Restoration:
        """The answer as the loss terms see it: the target itself where it does not count."""
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
        """The images with noise on them, to be restored."""
        degraded = corrupt(self.noise, images, seed, "noise", step, places)
        return TaskBatch(degraded.noisy, images, degraded.sigma)
