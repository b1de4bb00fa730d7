"""Derived random seeds: one for each (seed, purpose, place), independent of global state."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, purpose: str, *place: int) -> int:
    """Derive a 63-bit seed that depends only on the arguments.

    Args:
        seed: the seed of the run.
        purpose: the use of the random numbers, for example "noise" or "patch"; different purposes
            get different numbers.
        place: where they are used, for example the step and the sample's index in the global batch.
    """
    # A cryptographic hash, because nearby seeds of one generator can give correlated numbers.
    text = repr((int(seed), purpose, *map(int, place)))
    # 63 bits, because torch takes seeds as signed integers.
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def derive_generator(
    seed: int, purpose: str, *place: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A torch generator on `device`, seeded with `derive_seed`."""
    import torch

    return torch.Generator(device).manual_seed(derive_seed(seed, purpose, *place))


def draw_integer(end: int, generator: torch.Generator) -> int:
    """A whole number from 0 to `end` - 1, each equally likely."""
    import torch

    return int(torch.randint(end, (), generator=generator, device=generator.device))


def seed_torch(seed: int, device: torch.device | str = "cpu") -> None:
    """Seed torch's default generators of the CPU and of `device` only.

    `torch.manual_seed` seeds all devices, including those whose state the caller does not restore.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    place = torch.device(device)
    if place.type == "cuda":
        with torch.cuda.device(place):
            torch.cuda.manual_seed(seed)
    elif place.type == "mps":
        torch.mps.manual_seed(seed)
