"""Objectives with a network of their own, and the noise that depends on a sample's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from restorekit.components.contracts import Objective as Objective
from restorekit.records import Degraded, degrade
from restorekit.records import TaskBatch as TaskBatch
from restorekit.seeding import derive_generator


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

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """As every objective."""


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
    parts = []
    for image, place in zip(clean.chunk(len(clean)), places, strict=True):
        generator = derive_generator(seed, purpose, step, place, device=clean.device)
        parts.append(degrade(noise, image, generator))
    sigmas = [part.sigma for part in parts]
    known = None if any(s is None for s in sigmas) else torch.cat(cast("list[Tensor]", sigmas))
    return Degraded(torch.cat([part.noisy for part in parts]), known)
