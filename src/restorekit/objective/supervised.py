"""Learning to turn noisy images into the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from restorekit.objective.base import TaskBatch, corrupt


@dataclass(frozen=True)
class Supervised:
    """Clean images are the targets; the noise model makes the inputs.

    Args:
        noise: the run's noise model.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("supervised", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> torch.equal(made.target, batch)
        True
    """

    noise: nn.Module

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The images with noise on them, to be restored."""
        degraded = corrupt(self.noise, images, seed, "noise", step, places)
        return TaskBatch(degraded.noisy, images, degraded.sigma)
