"""Objectives with a network of their own, and the noise that depends on a sample's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from restorekit.components.contracts import Objective as Objective
from restorekit.records import Degraded, Images, Restoration, degrade
from restorekit.records import TaskBatch as TaskBatch
from restorekit.seeding import derive_generator

# The weighted sum of the run's loss terms, of a restored batch and its target.
Compare = Callable[[Restoration | Tensor, Tensor], Tensor]


class Execution(Protocol):
    """How a run computes, for an objective with a network of its own."""

    def frozen(self, model: nn.Module) -> nn.Module:
        """The model on the run's device, in evaluation, without gradients."""

    def autocast(self) -> AbstractContextManager[object]:
        """The context of the run's precision."""

    def place(self, images: Tensor) -> Tensor:
        """A batch on the run's device, in the memory layout of the networks."""


@runtime_checkable
class UsesNetwork(Protocol):
    """An objective with a network of its own, besides the one that is trained.

    Attributes:
        weights_files: the files from which its networks were read.
        card: fields for the card of the trained network.
    """

    weights_files: tuple[Path, ...]
    card: Mapping[str, object]

    def prepare(self, execution: Execution) -> None:
        """Called once before the run, to move the network to the run's device."""

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """As every objective."""


class Restore(Protocol):
    """The network that is trained, as an objective with a risk of its own calls it."""

    def __call__(
        self, noisy: Tensor, sigma: Tensor | None = None, *, exact: bool = False
    ) -> Restoration:
        """Restore a batch.

        Args:
            noisy: (B, C, H, W).
            sigma: its noise level, broadcastable to (B, 1, H, W), if it is known.
            exact: compute in float32 whatever the run's precision is, for small differences.
        """


@runtime_checkable
class ComputesRisk(Protocol):
    """An objective that computes what is minimised, in place of the run's loss terms."""

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The terms whose sum is minimised, by the names under which they are logged.

        Args:
            restore: the network; it may be called several times.
            batch: what `make_batch` returned. All random numbers are in its `extras`.
            compare: the run's loss terms, for an objective that also uses them.

        Returns:
            Tensors of one number, each a mean over the samples.
        """


@runtime_checkable
class WithholdsSigma(Protocol):
    """An objective that can withhold the noise level from the network.

    Attributes:
        sigma_dropout: the probability for each image. Above 0, a level of 0 stands for an unknown
            one, the network must be one with `optional_sigma`, and `TaskBatch.full_sigma` has what
            is known.
    """

    sigma_dropout: float


def invites_copying(objective: object) -> bool:
    """Whether an objective hides pixels behind values that are nearly clean.

    A network that adds its input to its output then learns to change nothing.
    """
    return getattr(objective, "invites_copying", False) is True


def takes_noisy(objective: object) -> bool:
    """Whether an objective takes `NoisyImages` besides clean images."""
    return getattr(objective, "takes_noisy", False) is True


def corrupt(
    noise: nn.Module, clean: Tensor, seed: int, purpose: str, step: int, places: Sequence[int]
) -> Degraded:
    """Add noise that depends on the place of each sample, not on the batch that it is in.

    Args:
        noise: the noise model.
        clean: (B, C, H, W) on its device.
        seed, purpose, step: the noise is derived from these and from the place.
        places: B numbers, the place of each sample in the global batch.
    """
    return join_samples(corrupt_each(noise, clean, seed, purpose, step, places))


def corrupt_each(
    noise: nn.Module, clean: Tensor, seed: int, purpose: str, step: int, places: Sequence[int]
) -> list[Degraded]:
    """The samples of `corrupt`, each a batch of one with its own noise level."""
    samples = []
    for image, place in zip(clean.chunk(len(clean)), places, strict=True):
        generator = derive_generator(seed, purpose, step, place, device=clean.device)
        samples.append(degrade(noise, image, generator))
    return samples


def join_samples(samples: Sequence[Degraded]) -> Degraded:
    """Join samples to a batch; its sigma is None if that of a sample is."""
    noisy = torch.cat([sample.noisy for sample in samples])
    sigmas = [sample.sigma for sample in samples if sample.sigma is not None]
    if len(sigmas) < len(samples):
        return Degraded(noisy)
    # A mixture of noises gives a number for some samples and a map for others.
    height, width = (max(sigma.shape[axis] for sigma in sigmas) for axis in (-2, -1))
    return Degraded(noisy, torch.cat([sigma.expand(1, 1, height, width) for sigma in sigmas]))
