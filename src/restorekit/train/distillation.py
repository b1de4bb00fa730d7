"""Knowledge distillation: learning from clean images and from the output of another network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from restorekit.errors import InputError, RestoreKitError
from restorekit.objective.base import Objective, TaskBatch
from restorekit.records import restore_batch
from restorekit.seeding import derive_generator
from restorekit.symmetry import ALL_SYMMETRIES
from restorekit.train.execution import Execution


class Teacher:
    """A frozen network whose output is a part of the target."""

    def __init__(self, model: nn.Module, execution: Execution) -> None:
        self._execution = execution
        self._model = execution.frozen(model)

    @torch.no_grad()
    def __call__(self, noisy: Tensor, sigma: Tensor | None) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W) in float32.

        Raises:
            InputError: it does not take such a batch, or needs a sigma that the noise lacks.
        """
        try:
            with self._execution.autocast():
                placed = self._execution.place(noisy)
                return restore_batch(self._model, placed, sigma).image.float()
        except RestoreKitError as error:
            raise InputError(f"train.teacher: {error}") from error


@dataclass(frozen=True)
class DistillationTask:
    """A task whose targets are a mean of the clean image and the output of a teacher.

    A clean image has details that no network can predict from the noisy one, and these cause most
    of the gradient noise. The output of a teacher does not have them. At every step the teacher is
    applied to random flips and rotations of the input. On average this is the mean over all eight
    of them, which is better than the teacher itself, so that a network can learn from its own copy.

    Reference: Hinton et al., Distilling the Knowledge in a Neural Network, 2015,
    https://arxiv.org/abs/1503.02531; the mean over views after Radosavovic et al., Data
    Distillation, CVPR 2018, https://arxiv.org/abs/1712.04440

    Args:
        task: the task with the inputs and the clean targets.
        teacher: maps a noisy batch (B, C, H, W) and its sigma to a batch of that shape.
        share: weight of the teacher in the target, from 0 to 1.
        views: number of flips and rotations, of eight, for which the teacher runs at every step.
    """

    task: Objective
    teacher: Teacher
    share: float
    views: int

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The batch of the task, with the output of the teacher mixed into its target."""
        given = self.task.make_batch(images, seed, step, places)
        # All samples of a batch, and all processes, use the same views.
        order = torch.randperm(len(ALL_SYMMETRIES), generator=derive_generator(seed, "views", step))
        turns = [ALL_SYMMETRIES[number] for number in order[: self.views].tolist()]
        answers = [
            turn.undo(
                self.teacher(
                    turn.apply(given.input),
                    None if given.sigma is None else turn.apply(given.sigma),
                )
            )
            for turn in turns
        ]
        answer = torch.stack(answers).mean(0)
        return replace(given, target=given.target.lerp(answer, self.share))
