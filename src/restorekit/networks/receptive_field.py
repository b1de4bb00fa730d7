"""Measures the receptive field of a network: how far the influence of a pixel reaches.

There are two measurements. NaN spreads to every value that is computed from it, whatever the
weights are, so NaN rows mark the exact receptive field. It is often much larger than needed,
because the influence decreases with distance. If it is large, the network is also run on a part of
a picture, to measure up to which distance from the cut the result differs from that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.networks.probe_images import probe_noise, probe_picture

ForwardFunction = Callable[[Tensor, float], Tensor]

_EXACT = 32  # a field up to this size is used without the second measurement
_STRIP_LENGTHS = (128, 384)  # short, because attention over all pixels needs quadratic memory
_LONG_STRIP = 1536
_SIDE = 256
_SIGMA = 0.2  # strong noise, for which networks use the largest area
# Rounding differences between sizes are below the first tolerance, which in turn keeps tiles within
# 1e-5 of the whole image. The second is below the rounding of bfloat16, and 1/40 of an 8-bit level.
_TOLERANCE, _COARSE_TOLERANCE = 2e-6, 1e-4
_SAFETY = 1.25


@dataclass(frozen=True)
class Reach:
    """The receptive field of a network.

    Attributes:
        pixels: distance from a cut beyond which a tile equals the whole image to 1e-5.
        coarse: the same to 1e-4, for precisions below float32.
        is_global: whether there is no such distance, because of attention or statistics over the
            whole image. `pixels` is then the overlap that is used nevertheless.
    """

    pixels: int
    coarse: int
    is_global: bool = False


def measure_reach(run: ForwardFunction, channels: int, alignment: int) -> Reach:
    """Measure the receptive field.

    Args:
        run: the network as a function of a batch and sigma.
        channels: number of channels of the network.
        alignment: the first row and column of a tile are multiples of it.
    """
    field = _field(run, channels, alignment)
    if field is not None and field <= _EXACT:
        return Reach(field, field)
    if field is not None:
        side = max(_SIDE, 2 * alignment)
        exact, coarse = _fading(run, channels, (side, side), alignment)
    else:  # a narrow picture, to limit the memory of attention as above
        length = max(_STRIP_LENGTHS[-1], 3 * alignment)
        exact, coarse = _fading(run, channels, (length, 2 * alignment), alignment)
    exact = field if exact is None else min(exact, field or exact)
    if exact is None:
        return Reach(4 * alignment, 4 * alignment, is_global=True)
    return Reach(exact, exact if coarse is None else min(coarse, exact))


def exact_field(run: ForwardFunction, channels: int, alignment: int) -> int | None:
    """The largest distance over which a pixel can have an influence, whatever the weights are.

    None if there is no such distance, or it is more than about 740 pixels. The arguments are those
    of `measure_reach`, which measures the distance that matters.
    """
    return _field(run, channels, alignment, (*_STRIP_LENGTHS, _LONG_STRIP))


def _field(
    run: ForwardFunction,
    channels: int,
    alignment: int,
    lengths: tuple[int, ...] = _STRIP_LENGTHS,
) -> int | None:
    """The largest distance to which NaN rows spread; None if they reach the end of the strip."""
    for least in lengths:
        length = max(least // alignment, 3) * alignment
        reaches = [_spread(run, channels, length, alignment, upright) for upright in (True, False)]
        if None not in reaches:
            return max(reach for reach in reaches if reach is not None)
    return None


def _spread(
    run: ForwardFunction, channels: int, length: int, alignment: int, upright: bool
) -> int | None:
    # Mostly black, so that filters that replace only impulses, such as a switching median, act too.
    generator = torch.Generator().manual_seed(0)
    grey = (4 * torch.rand(1, 1, length, alignment, generator=generator) - 3).clamp(min=0)
    strip = grey.repeat(1, channels, 1, 1)
    start = length // 2 // alignment * alignment
    # NaN over a whole period of the strides, so that no phase is missed.
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
    """Distance from a cut beyond which the result equals that of the whole, for both tolerances.

    The cut runs through the centre of the picture, across the axes that are as long as its height.
    None if the difference does not vanish towards the border.
    """
    clean = probe_picture(channels, *size)
    clean[..., : size[1] // 4] = 0.5  # in flat areas networks use the largest neighbourhood
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
    """Largest distance from the cut, at row or column 0, where the tolerance is exceeded."""
    places = (difference.abs() > tolerance).any(dim=1).nonzero()
    if not len(places):
        return 0
    return int(places[:, [axis - 1 for axis in axes]].min(dim=1).values.max()) + 1


def _with_safety(distance: int, cut: int) -> int | None:
    """Add a margin, because another picture may need more; None if the picture was too small."""
    return int(distance * _SAFETY) + 1 if distance < cut * 3 // 4 else None
