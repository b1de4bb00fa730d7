"""Base class of the objectives that learn from noisy images alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from restorekit.components.kinds import estimators
from restorekit.errors import InputError
from restorekit.objective.base import corrupt
from restorekit.records import Degraded, Images
from restorekit.seeding import derive_generator

KnownLevel = float | Literal["estimate"] | None
_ESTIMATOR = "block_dct"


class SelfSupervised:
    """Base class of objectives that learn from noisy images alone.

    A dataset of noisy pictures is used as it is. Clean images get the run's noise first, and the
    objective sees only the result. That noise is new in every step, so that a network meets
    each picture under many noises, as if there were many shots of the same scene. A set of noisy
    pictures has one noise each: then a network can learn the noise by heart, and more pictures are
    needed. The dataset `noisy` stands for such a set.

    Args:
        noise: the run's noise model, for clean images.
        sigma: standard deviation of the noise in pictures that are noisy themselves, on their scale
            of [0, 1]; "estimate" measures it on each image; None if it is unknown.

    Raises:
        ValueError: `sigma` is not above 0.
    """

    takes_noisy = True

    def __init__(self, noise: nn.Module, sigma: KnownLevel = None) -> None:
        if isinstance(sigma, (int, float)) and not 0 < sigma <= 1:
            raise ValueError(f"sigma must be above 0 and at most 1, not {sigma}")
        self.noise, self.sigma = noise, sigma

    def observe(self, images: Images, seed: int, step: int, places: Sequence[int]) -> Degraded:
        """The noisy images, and their noise level where it is known.

        Args:
            images: clean images (n, C, H, W), or noisy ones as `NoisyImages`.
            seed, step, places: as for `make_batch`.
        """
        if isinstance(images, Tensor):
            return corrupt(self.noise, images, seed, "noise", step, places)
        noisy = images.noisy
        if self.sigma is None:
            return Degraded(noisy)
        if self.sigma == "estimate":
            channels = estimators.create(_ESTIMATOR)(noisy)
            return Degraded(noisy, channels.square().mean(1).sqrt().reshape(-1, 1, 1, 1))
        return Degraded(noisy, noisy.new_full((len(noisy), 1, 1, 1), self.sigma))

    def level_of(self, seen: Degraded, name: str) -> Tensor:
        """The level of noisy images, for an objective that needs it.

        Raises:
            InputError: it is unknown.
        """
        if seen.sigma is None:
            raise InputError(
                f"objective '{name}' needs the noise level of the images: give it sigma, the "
                'standard deviation on their scale of [0, 1], or "estimate"'
            )
        return seen.sigma


def generators(
    images: Tensor, seed: int, purpose: str, step: int, places: Sequence[int]
) -> list[torch.Generator]:
    """A generator for each image, on its device, derived from seed, purpose, step and place."""
    return [derive_generator(seed, purpose, step, place, device=images.device) for place in places]


def normal_like(images: Tensor, sources: Sequence[torch.Generator]) -> Tensor:
    """Standard normal numbers, those of each image from its own generator."""
    shape, device = images.shape[1:], images.device
    return torch.stack([torch.randn(shape, generator=each, device=device) for each in sources])


def signs_like(images: Tensor, sources: Sequence[torch.Generator]) -> Tensor:
    """Numbers that are -1 or 1 with equal probability, of each image from its own generator."""
    shape, device = images.shape[1:], images.device
    drawn = [torch.randint(2, shape, generator=each, device=device) for each in sources]
    return torch.stack(drawn).to(images.dtype) * 2 - 1
