"""Learning to turn noisy images into the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.objective.base import TaskBatch, corrupt_each, join_samples
from restorekit.records import Degraded, Images, NoisyImages
from restorekit.seeding import derive_generator


@dataclass(frozen=True)
class Supervised:
    """Clean images are the targets; the inputs have the noise of the noise model, or real noise.

    Of a dataset with real noise, such as `pairs`, the noisy images are the inputs, and the noise
    model is not used.

    Args:
        noise: the run's noise model.
        sigma_dropout: probability, from 0 to 1, that an image comes without its noise level, for
            networks with `optional_sigma`, which must learn to work with and without it. Above 0,
            a level of 0 stands for an unknown one, also if the noise model does not state it.
        measure_sigma: whether the root mean square of the noise of an image is its level, if the
            noise model does not state one.

    Raises:
        ValueError: `sigma_dropout` is not from 0 to 1.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("supervised", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> torch.equal(made.target, batch)
        True
    """

    noise: nn.Module
    sigma_dropout: float = 0.0
    measure_sigma: bool = False
    takes_noisy: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.sigma_dropout <= 1:
            raise ValueError(f"sigma_dropout must be from 0 to 1, not {self.sigma_dropout}")

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images, to be restored to the clean ones.

        Raises:
            InputError: the clean images are unknown.
        """
        if isinstance(images, NoisyImages):
            if images.clean is None:
                raise InputError(
                    "objective 'supervised' needs the clean picture of each noisy one; "
                    "restorekit list objectives names those that learn without"
                )
            samples = [Degraded(noisy) for noisy in images.noisy.split(1)]
            images = images.clean
        else:
            samples = corrupt_each(self.noise, images, seed, "noise", step, places)
        if self.measure_sigma:
            samples = [_measured(*pair) for pair in zip(samples, images, strict=True)]
        degraded = join_samples(samples)
        if not self.sigma_dropout:
            return TaskBatch(degraded.noisy, images, degraded.sigma)
        given = [
            # With a purpose of its own, so that the noise is the same with and without dropout.
            self._with_dropout(sample, derive_generator(seed, "sigma_dropout", step, place))
            for sample, place in zip(samples, places, strict=True)
        ]
        sigma = join_samples(given).sigma
        return TaskBatch(degraded.noisy, images, sigma, full_sigma=degraded.sigma)

    def _with_dropout(self, sample: Degraded, generator: torch.Generator) -> Degraded:
        """The sample with a level of 0 if its level is unknown or withheld."""
        is_withheld = float(torch.rand((), generator=generator)) < self.sigma_dropout
        if sample.sigma is not None and not is_withheld:
            return sample
        return replace(sample, sigma=sample.noisy.new_zeros(1, 1, 1, 1))


def _measured(sample: Degraded, clean: Tensor) -> Degraded:
    if sample.sigma is not None:
        return sample
    sigma = (sample.noisy - clean).square().mean().sqrt()
    return replace(sample, sigma=sigma.reshape(1, 1, 1, 1))
