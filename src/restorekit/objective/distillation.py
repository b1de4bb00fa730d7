"""Knowledge distillation: learning from clean images and from the output of another network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from restorekit.components.kinds import objectives
from restorekit.errors import InputError, RestoreKitError
from restorekit.objective.base import (
    Execution,
    Objective,
    TaskBatch,
    UsesNetwork,
    WithholdsSigma,
    takes_noisy,
)
from restorekit.records import Images, Restoration, restore_batch
from restorekit.seeding import derive_generator
from restorekit.symmetry import ALL_SYMMETRIES
from restorekit.weights import find_weights, load_model, read_card

# Fields of the teacher's card that are copied to the card of the trained network.
_COPIED = ("model", "checksum", "dataset", "training_data", "licenses", "credits", "license")


class Distillation:
    """Targets are a mean of the clean image and the output of another network, the teacher.

    A clean image has details that no network can predict from the noisy one, and these cause most
    of the gradient noise. The output of a teacher does not have them. At every step the teacher is
    applied to random flips and rotations of the input. On average this is the mean over all eight
    of them, which is better than the teacher itself, so that a network can learn from its own copy.

    Reference: Hinton et al., Distilling the Knowledge in a Neural Network, 2015,
    https://arxiv.org/abs/1503.02531; the mean over views after Radosavovic et al., Data
    Distillation, CVPR 2018, https://arxiv.org/abs/1712.04440

    Args:
        noise: the run's noise model.
        teacher: the teacher's weights: a name, a file or a run's folder; in Python also a model
            that maps a noisy batch (B, C, H, W), and its sigma if it takes it, to a restored one.
        share: weight of the teacher's output in the target, above 0 and at most 1. The clean image
            has the rest.
        views: number of flips and rotations, of eight, for which the teacher runs at every step.
        objective: the objective with the inputs and the clean targets.

    Raises:
        ValueError: `share` or `views` is out of its range.
        CheckpointError: the teacher's weights do not exist or cannot be read.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective(
        ...     "distillation", noise, teacher=torch.nn.Identity(), share=1.0
        ... )
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> torch.equal(made.target, made.input)
        True
    """

    def __init__(
        self,
        noise: nn.Module,
        teacher: str | Callable[..., Restoration | Tensor],
        share: float = 0.75,
        views: int = 1,
        objective: object = "supervised",
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {share}")
        if not 1 <= views <= len(ALL_SYMMETRIES):
            raise ValueError(f"views must be from 1 to {len(ALL_SYMMETRIES)}, not {views}")
        self.objective: Objective = objectives.build(objective, noise)
        inner = self.objective
        self.sigma_dropout = inner.sigma_dropout if isinstance(inner, WithholdsSigma) else 0.0
        self.share, self.views = share, views
        self.weights_files: tuple[Path, ...] = ()
        self.card: Mapping[str, object] = {}
        if isinstance(self.objective, UsesNetwork):
            self.weights_files, self.card = self.objective.weights_files, self.objective.card
        if isinstance(teacher, str):
            path = find_weights(teacher)
            card: Mapping[str, object] = read_card(teacher)
            teacher = load_model(path)
            self.weights_files = (path, *self.weights_files)
            self.card = {"teacher": {key: card[key] for key in _COPIED if key in card}}
        self.teacher = teacher
        self._execution: Execution | None = None

    @property
    def takes_noisy(self) -> bool:
        """Whether it takes images with real noise, as its inner objective does."""
        return takes_noisy(self.objective)

    def prepare(self, execution: Execution) -> None:
        """Move the teacher to the run's device; it then computes in the run's precision."""
        self._execution = execution
        if isinstance(self.teacher, nn.Module):
            self.teacher = execution.frozen(self.teacher)
        if isinstance(self.objective, UsesNetwork):
            self.objective.prepare(execution)

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The batch of the inner objective, with the teacher's output mixed into its target.

        Raises:
            InputError: the teacher does not take such a batch, or needs a sigma that the noise
                does not return.
        """
        given = self.objective.make_batch(images, seed, step, places)
        # The teacher gets the level also where it is withheld from the network.
        sigma = given.full_sigma if self.sigma_dropout else given.sigma
        order = torch.randperm(len(ALL_SYMMETRIES), generator=derive_generator(seed, "views", step))
        turns = [ALL_SYMMETRIES[number] for number in order[: self.views].tolist()]
        answers = [
            turn.undo(
                self._answer(
                    turn.apply(given.input),
                    None if sigma is None else turn.apply(sigma),
                )
            )
            for turn in turns
        ]
        answer = torch.stack(answers).mean(0)
        return replace(given, target=given.target.lerp(answer, self.share))

    @torch.no_grad()
    def _answer(self, noisy: Tensor, sigma: Tensor | None) -> Tensor:
        """The teacher's output of a batch, (B, C, H, W) in float32."""
        try:
            if self._execution is None:
                return restore_batch(self.teacher, noisy, sigma).image.float()
            with self._execution.autocast():
                placed = self._execution.place(noisy)
                return restore_batch(self.teacher, placed, sigma).image.float()
        except RestoreKitError as error:
            raise InputError(f"the teacher does not fit: {error}") from error
