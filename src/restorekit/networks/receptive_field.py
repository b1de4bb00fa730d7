"""How far the influence of a pixel reaches through a network: its receptive field, measured.

Two measurements. NaN spreads to every value computed from it, whatever the weights are: what
NaN rows do not reach, they have no part in. That gives the exact field, but also one far larger
than needed, since the influence fades towards its rim. So where it is large, the network is also
run on a part of a picture: how far from the cut does the answer differ from that for the whole?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.networks.probe_images import probe_noise, probe_picture

ForwardFunction = Callable[[Tensor, float], Tensor]

_EXACT = 32  # a field up to this is taken as it is
_STRIP_LENGTHS = (128, 384)  # short, since attention over all pixels takes memory by their square
_SIDE = 256
_SIGMA = 0.2  # strong noise, against which networks look farthest
# Differences of rounding between one size and another stay below the first, and what it leaves
# unseen stays below the 1e-5 by which tiles may differ from the whole. The second is below what
# rounding to bfloat16 does, and a fortieth of a level of 8 bits.
_TOLERANCE, _COARSE_TOLERANCE = 2e-6, 1e-4
_SAFETY = 1.25


@dataclass(frozen=True)
class Reach:
    """How far a network sees.

    Attributes:
        pixels: the distance from a cut from which on a tile is as the whole image, to 1e-5.
        coarse: the same to 1e-4, for less than float32.
        is_global: that there is no such distance (attention or statistics over the whole image);
            `pixels` is then what is overlapped all the same.
    """

    pixels: int
    coarse: int
    is_global: bool = False


def measure_reach(run: ForwardFunction, channels: int, alignment: int) -> Reach:
    """Measure it.

    Args:
        run: the network as a function of a batch and sigma.
        channels: how many it takes.
        alignment: what the first row and column of a tile is a multiple of.
    """
    field = _field(run, channels, alignment)
    if field is not None and field <= _EXACT:
        return Reach(field, field)
    if field is not None:
        side = max(_SIDE, 2 * alignment)
        exact, coarse = _fading(run, channels, (side, side), alignment)
    else:  # a narrow picture: see the strips' lengths
        length = max(_STRIP_LENGTHS[-1], 3 * alignment)
        exact, coarse = _fading(run, channels, (length, 2 * alignment), alignment)
    exact = field if exact is None else min(exact, field or exact)
    if exact is None:
        return Reach(4 * alignment, 4 * alignment, is_global=True)
    return Reach(exact, exact if coarse is None else min(coarse, exact))


def _field(run: ForwardFunction, channels: int, alignment: int) -> int | None:
    """The farthest that NaN comes from rows of it; None where it comes to the end of a strip."""
    for least in _STRIP_LENGTHS:
        length = max(least // alignment, 3) * alignment
        reaches = [_spread(run, channels, length, alignment, upright) for upright in (True, False)]
        if None not in reaches:
            return max(reach for reach in reaches if reach is not None)
    return None


def _spread(
    run: ForwardFunction, channels: int, length: int, alignment: int, upright: bool
) -> int | None:
    # Mostly black: what replaces stray pixels alone, as a switching median does, acts on it, too.
    generator = torch.Generator().manual_seed(0)
    grey = (4 * torch.rand(1, 1, length, alignment, generator=generator) - 3).clamp(min=0)
    strip = grey.repeat(1, channels, 1, 1)
    start = length // 2 // alignment * alignment
    # A whole period of the strides, so that no phase is missed.
    strip[:, :, start : start + alignment] = torch.nan
    answer = run(strip if upright else strip.mT.contiguous(), _SIGMA)
    touched = (answer if upright else answer.mT).isnan().any(dim=(0, 1, 3)).nonzero().flatten()
    first, last = int(touched[0]), int(touched[-1])
    if first == 0 or last == length - 1:
        return None
    return max(start - first, last - (start + alignment - 1), 0)


def _fading(
    run: ForwardFunction, channels: int, size: tuple[int, int], alignment: int
) -> tuple[int | None, int | None]:
    """From which distance to a cut on the answer is that for the whole, by either tolerance.

    The cut runs through the middle of the picture, along the sides that are as long as its height;
    None where the difference does not fade away towards the picture's border.
    """
    clean = probe_picture(channels, *size)
    clean[..., : size[1] // 4] = 0.5  # flat areas are where networks look farthest
    noisy = clean + probe_noise(clean, _SIGMA)
    whole = run(noisy, _SIGMA)
    least = max(1.0, float(whole.abs().max()))
    axes = [axis for axis in (2, 3) if noisy.shape[axis] == size[0]]
    cut = size[0] // 2 // alignment * alignment
    after, before = noisy, noisy
    after_whole, before_whole = whole, whole
    for axis in axes:
        rest = size[0] - cut
        after, before = after.narrow(axis, cut, rest), before.narrow(axis, 0, cut)
        after_whole = after_whole.narrow(axis, cut, rest)
        before_whole = before_whole.narrow(axis, 0, cut)
    differences = (
        run(after.contiguous(), _SIGMA) - after_whole,
        (run(before.contiguous(), _SIGMA) - before_whole).flip(axes),
    )
    exact, coarse = (
        max(_distance(difference, axes, tolerance * least) for difference in differences)
        for tolerance in (_TOLERANCE, _COARSE_TOLERANCE)
    )
    return _with_safety(exact, cut), _with_safety(coarse, cut)


def _distance(difference: Tensor, axes: list[int], tolerance: float) -> int:
    """How far from the cut, at row or column 0, the difference last exceeds the tolerance."""
    places = (difference.abs() > tolerance).any(dim=1).nonzero()
    if not len(places):
        return 0
    return int(places[:, [axis - 1 for axis in axes]].min(dim=1).values.max()) + 1


def _with_safety(distance: int, cut: int) -> int | None:
    """A little more, since another picture may show more; None where the picture was too small."""
    return int(distance * _SAFETY) + 1 if distance < cut * 3 // 4 else None
