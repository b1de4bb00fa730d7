"""Single pixels that differ from everything around them, wherever they are in a plane.

No optics makes such a pixel: a star or a glint of at least 1.5 pixels (full width at half maximum)
raises the four pixels next to it by 30 % or more of its height. So a pixel is an impulse, or a hot
or dead pixel of the sensor, if it deviates from its background several times as much as all the
pixels around it.

A picture that was scaled down can have such pixels: small stars and fine texture. They differ
from defects in two ways. Channels share them, but not the defects of a sensor. And they come with
doubtful pixels, which deviate only a few times as much as the pixels around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.surroundings import NEAR, REACH, surroundings

_CROSS = [i for i, (y, x) in enumerate(NEAR) if not (y and x)]
# The mean of the four nearest neighbours lies on this part of the way to the pixel, at most.
_BLOB = 0.12
# A pixel is considered if it exceeds its neighbours by this many standard deviations and steps.
_SIGMAS, _STEPS = 4.0, 4
# Clarity is the deviation of the pixel, divided by the largest deviation around it. On 134 clean
# photographs, black and white pixels of a clarity above 5 do not occur, and above 1.5 there are
# 0.6 in a million values.
_LEAST_CLARITY, _LEAST_SIGMAS = 1.5, 4.5
_CERTAIN_EXTREME = 5.0
# The same for other values, which are common: up to 5.5 at 10 standard deviations.
_CERTAIN, _CERTAIN_SIGMAS, _OTHERS = 6.5, 11.0, 0.3
# A doubtful pixel deviates as strongly, but its clarity is only above this one. That of a star of
# 1.5 pixels is 3.4 at most.
_DOUBTFUL = 3.5
# Channels share a pixel if all of them deviate by this part of its deviation. In clean photographs
# scaled down to a half and a quarter, that holds for 98 % of the certain pixels.
_SHARED = 0.25
# A clipped background hides what surrounds a pixel, so it must deviate by this much of the range.
_CLIPPED = 0.4
# Defects are rare, with few doubtful pixels for each. Otherwise both are texture or stars.
_MOST_DEFECTS, _MOST_DOUBTFUL = 3e-3, 0.5


@dataclass(frozen=True)
class LonePixels:
    """Lone pixels of the planes of a picture.

    Attributes:
        places: indices in the flattened planes, (N,).
        values: their values, (N,).
        clarity: deviation, divided by the largest deviation around each, (N,).
        extreme: whether each is black or white.
        certain: whether neither optics nor noise can have made it.
        doubtful: whether it is neither certain nor blurred by optics.
        shared: whether all other channels deviate there in the same direction.
    """

    places: Tensor
    values: Tensor
    clarity: Tensor
    extreme: Tensor
    certain: Tensor
    doubtful: Tensor
    shared: Tensor


def find_lone_pixels(planes: Tensor, sigma: Sequence[float], steps: int | None) -> LonePixels:
    """Find lone pixels, also at the border, where the planes are mirrored.

    Args:
        planes: the channels, (C, H, W), on the [0, 1] scale, with sides of at least 3 pixels.
        sigma: rough standard deviation of the noise of each channel.
        steps: the number of steps between black and white; None for floats.
    """
    every = [_of_plane(*each, steps) for each in zip(planes, sigma, strict=True)]
    counts = torch.tensor([len(found[0]) for found in every])
    channel = torch.arange(len(planes)).repeat_interleave(counts)
    places, deviation, values, clarity, extreme, certain, doubtful = map(
        torch.cat, zip(*every, strict=True)
    )
    shared = are_shared(planes, places, deviation)
    places = channel * planes[0].numel() + places
    return LonePixels(places, values, clarity, extreme, certain, doubtful, shared)


def are_defects(defects: float, doubtful: float, total: int) -> bool:
    """Whether lone pixels are hot or dead pixels of a sensor, by their number.

    Args:
        defects: number of those that are certain; channels do not share them.
        doubtful: number of those that are doubtful and not shared.
        total: number of values of the picture.
    """
    return defects <= _MOST_DEFECTS * total and doubtful <= _MOST_DOUBTFUL * defects


def are_shared(planes: Tensor, places: Tensor, deviation: Tensor) -> Tensor:
    """Whether all channels deviate in the same direction as the one in which a pixel was found.

    Args:
        planes: the channels, (C, H, W).
        places: indices in one flattened plane, (N,).
        deviation: of the channel in which each was found, from its surroundings, (N,).

    Returns:
        (N,), false for a single channel.
    """
    if len(planes) < 2:
        return torch.zeros_like(places, dtype=torch.bool)
    # Each place is measured once in each channel, until two channels disagree about it.
    different, number = places.unique(return_inverse=True)
    lowest = torch.full((len(different),), torch.inf)
    highest, left = -lowest, torch.arange(len(different))
    for plane in planes:
        y, x = different[left] // plane.shape[1], different[left] % plane.shape[1]
        theirs = plane[y, x] - surroundings(plane, y, x).median(1).values
        lowest[left] = torch.minimum(lowest[left], theirs)
        highest[left] = torch.maximum(highest[left], theirs)
        left = left[(lowest[left] > 0) | (highest[left] < 0)]
        if not len(left):
            break
    least = torch.where(deviation > 0, lowest[number], -highest[number])
    return least > _SHARED * deviation.abs()


def _of_plane(plane: Tensor, sigma: float, steps: int | None) -> tuple[Tensor, ...]:
    """Places in a plane, deviations, and the properties of `LonePixels` up to `doubtful`."""
    y, x = _candidates(plane, sigma, steps)
    around, value = surroundings(plane, y, x), plane[y, x]
    background = around.median(1).values
    deviation = value - background
    own = deviation.abs()
    deviations = (around - background[:, None]).abs()
    # One pixel of the ring may be an impulse too.
    largest = deviations.kthvalue(deviations.shape[1] - 1, dim=1).values
    largest = torch.maximum(largest, deviations[:, : len(NEAR)].amax(1))
    clarity = own / largest.clamp_min(1e-9)
    way = (around[:, _CROSS].mean(1) - background) * deviation.sign()
    spread = (deviations.median(1).values / 0.6745).clamp_min(max(sigma, 1e-9))
    height, width = plane.shape
    inside = (y >= REACH) & (y < height - REACH) & (x >= REACH) & (x < width - REACH)
    extreme = (value <= 0) | (value >= 1)
    clipped = ((background <= 0) | (background >= 1)) & (own < _CLIPPED)
    strong = (own > _CERTAIN_SIGMAS * spread) & ~clipped & inside
    # At the border, mirrored pixels count twice.
    certain = strong & (clarity > _CERTAIN) & (deviations.amax(1) <= _OTHERS * own)
    certain |= extreme & (clarity > _CERTAIN_EXTREME)
    is_lone = (clarity > _LEAST_CLARITY) & (own > _LEAST_SIGMAS * spread)
    is_lone &= (way <= _BLOB * own) & (extreme | certain)
    doubtful = strong & ~extreme & (clarity > _DOUBTFUL) & ~is_lone
    found = (y * width + x, deviation, value, clarity, extreme, certain & is_lone, doubtful)
    return tuple(each[is_lone | doubtful] for each in found)


def _candidates(plane: Tensor, sigma: float, steps: int | None) -> tuple[Tensor, Tensor]:
    """Rows and columns of the pixels that exceed, or are below, their four nearest neighbours."""
    least = max(_SIGMAS * sigma, _STEPS / steps if steps else 1e-6)
    wide = functional.pad(plane[None, None], (1, 1, 1, 1), mode="reflect")[0, 0]
    sides = wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]
    highest = torch.maximum(torch.maximum(*sides[:2]), torch.maximum(*sides[2:]))
    lowest = torch.minimum(torch.minimum(*sides[:2]), torch.minimum(*sides[2:]))
    stands_out = (plane - highest > least) | (lowest - plane > least)
    rows, columns = stands_out.nonzero(as_tuple=True)
    return rows, columns
