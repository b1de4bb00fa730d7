"""Randomness that is derived, never ambient: a seed for each (seed, purpose, place)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, purpose: str, *place: int) -> int:
    """A 63-bit seed that depends on every argument and on nothing else.

    Args:
        seed: the run's seed.
        purpose: what the numbers are for ("noise", "patch"), so that purposes do not share them.
        place: where they are used, such as the step and the sample's place in the global batch.
    """
    text = repr((int(seed), purpose, *map(int, place)))
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
    """Seed torch's own generators of the CPU and of `device`, and of no other device.

    `torch.manual_seed` seeds every device, also those whose state the caller does not put back.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    place = torch.device(device)
    if place.type == "cuda":
        with torch.cuda.device(place):
            torch.cuda.manual_seed(seed)
    elif place.type == "mps":
        torch.mps.manual_seed(seed)
