"""Where the impulses of a plane are that has many of them, and other noise too.

Black and white pixels of which the share is known. A pixel is one of them if it deviates from its
background by more than the noise and the texture around it explain; the more impulses there are,
the less is needed. As many of the 24 pixels around it may be impulses as there are by chance.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorekit.estimate.surroundings import AROUND, surroundings

_AT_ONCE = 400_000  # places, to limit the memory
# The share of impulses with more others around them than are allowed.
_CROWDED = 0.005
# An impulse deviates by (_TAIL / share) ** 0.25 standard deviations, within these limits, at least
# by _LEAST, and by 1 / _OTHERS times as much as the good pixels around it.
_TAIL, _FEWEST_SIGMAS, _MOST_SIGMAS, _LEAST, _OTHERS = 0.3, 1.5, 5.0, 0.06, 0.85
_LEAST_SIGMA = 0.01
# Impulses with noise on top of them are within this many standard deviations of black and white.
_BAND, _WIDEST = 1.5, 0.3


def find_impulse_noise(
    plane: Tensor, salt: float, pepper: float, sigma: float
) -> tuple[Tensor, Tensor]:
    """Find impulses of which the share has been measured.

    Args:
        plane: (H, W) on the [0, 1] scale, with sides of at least 3 pixels.
        salt: share of white impulses.
        pepper: share of black impulses.
        sigma: rough standard deviation of the other noise.

    Returns:
        Indices in the flattened plane, (N,), and whether each is exactly black or white. The others
        are impulses only if noise was added after them.
    """
    band, most = min(_BAND * sigma, _WIDEST), _most_around(salt + pepper)
    found, exact = [], []
    for sign, share in ((1, salt), (-1, pepper)):
        if share <= 0:
            continue
        needed = min(_MOST_SIGMAS, max(_FEWEST_SIGMAS, (_TAIL / share) ** 0.25))
        candidates = (plane >= 1 - band) if sign > 0 else (plane <= band)
        for places in candidates.flatten().nonzero()[:, 0].split(_AT_ONCE):
            around = surroundings(plane, places // plane.shape[1], places % plane.shape[1])
            value, background = plane.flatten()[places], around.median(1).values
            own = sign * (value - background)
            deviations = (around - background[:, None]).abs().sort(1).values
            spread = deviations[:, len(AROUND) // 2 - 1] / 0.6745
            is_impulse = own > needed * spread.clamp_min(max(sigma, _LEAST_SIGMA))
            is_impulse &= deviations[:, -1 - most] <= _OTHERS * own
            is_impulse &= own > _LEAST
            found.append(places[is_impulse])
            exact.append((value >= 1 if sign > 0 else value <= 0)[is_impulse])
    if not found:
        return torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.bool)
    return torch.cat(found), torch.cat(exact)


def _most_around(share: float) -> int:
    """Of the pixels around an impulse, the number that hardly ever are more impulses."""
    count, total, left = len(AROUND), 0.0, min(share, 0.5)
    for number in range(count // 2):
        total += math.comb(count, number) * left**number * (1 - left) ** (count - number)
        if 1 - total < _CROWDED:
            return number
    return count // 2
