"""Gamma distributed numbers, several times as fast as those of torch on a CPU.

Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, ACM TOMS 2000,
https://doi.org/10.1145/358407.358414: a cubed normal number is accepted or drawn again.
At least 95 % are accepted, so that all numbers are drawn at once and a few once more. The result is
exact.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

_CHUNK = 1 << 17  # numbers that are drawn together, so that intermediate results stay in the cache


def gamma_numbers(shape: Tensor, generator: Generator | None) -> Tensor:
    """A number of the gamma distribution with scale 1 for each shape.

    Args:
        shape: float32 of any form, at least 1.
        generator: source of the random numbers; torch's own if None.

    Returns:
        Numbers of the form and type of `shape`.
    """
    if shape.is_meta:  # not all versions of torch have this distribution there
        return torch.empty_like(shape)
    if shape.device.type != "cpu":
        return torch._standard_gamma(shape, generator)
    made = torch.empty(shape.shape)
    for part, into in zip(
        shape.reshape(-1).split(_CHUNK), made.view(-1).split(_CHUNK), strict=True
    ):
        numbers, is_rejected = _tried(part, generator)
        into.copy_(numbers)
        places = torch.from_numpy(np.flatnonzero(is_rejected.numpy()))
        while len(places):
            numbers, is_rejected = _tried(part.index_select(0, places), generator)
            into.index_copy_(0, places, numbers)
            places = places[is_rejected]
    return made


def _tried(shape: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Candidates, and whether each is rejected."""
    size = shape - 1 / 3
    normal = torch.randn(shape.shape, generator=generator)
    root = (normal / (9 * size).sqrt_()).add_(1.0)
    # Candidates below 0 have no logarithm: NaN is not accepted.
    cube = root.square().mul_(root)
    bound = cube.log().sub_(cube).add_(1.0).mul_(size).add_(normal.square().mul_(0.5))
    chance = torch.rand(shape.shape, generator=generator).log_()
    return size.mul_(cube), (chance < bound).logical_not_()
