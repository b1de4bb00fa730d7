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

from restorekit.restore.probes import probe_noise, probe_picture

Run = Callable[[Tensor, float], Tensor]

_EXACT = 32  # a field up to this is taken as it is
_STRIP_LENGTHS = (128, 384)  # short, since attention over all pixels takes memory by their square
_SIDE = 320
_SIGMA = 0.2  # strong noise, against which networks look farthest
# Differences of rounding between one size and another stay below it, and what it leaves unseen
# stays below the 1e-5 by which tiles may differ from the whole.
_TOLERANCE = 2e-6
_SAFETY = 1.25


@dataclass(frozen=True)
class Reach:
    """How far a network sees.

    Attributes:
        pixels: the distance from a cut from which on a tile is as the whole image.
        is_global: that there is no such distance (attention or statistics over the whole image);
            `pixels` is then what is overlapped all the same.
    """

    pixels: int
    is_global: bool = False


def measure_reach(run: Run, channels: int, alignment: int) -> Reach:
    """Measure it.

    Args:
        run: the network as a function of a batch and sigma.
        channels: how many it takes.
        alignment: what the first row and column of a tile is a multiple of.
    """
    field = _field(run, channels, alignment)
    if field is not None and field <= _EXACT:
        return Reach(field)
    # A narrow picture where the field has no end: see the strips' lengths.
    shape = (_SIDE, _SIDE) if field is not None else (_STRIP_LENGTHS[-1], 2 * alignment)
    faded = _fading(run, channels, shape, alignment)
    if faded is not None:
        faded = int(faded * _SAFETY) + 1
        return Reach(faded if field is None else min(field, faded))
    if field is not None:
        return Reach(field)
    return Reach(4 * alignment, is_global=True)


def _field(run: Run, channels: int, alignment: int) -> int | None:
    """The farthest that NaN comes from rows of it; None where it comes to the end of a strip."""
    for length in _STRIP_LENGTHS:
        reaches = [
            _spread(run, channels, length // alignment * alignment, alignment, upright)
            for upright in (True, False)
        ]
        if None not in reaches:
            return max(reach for reach in reaches if reach is not None)
    return None


def _spread(run: Run, channels: int, length: int, alignment: int, upright: bool) -> int | None:
    strip = torch.full((1, channels, length, alignment), 0.5)
    start = length // 2 // alignment * alignment
    # A whole period of the strides, so that no phase is missed.
    strip[:, :, start : start + alignment] = torch.nan
    answer = run(strip if upright else strip.mT.contiguous(), _SIGMA)
    touched = (answer if upright else answer.mT).isnan().any(dim=(0, 1, 3)).nonzero().flatten()
    first, last = int(touched[0]), int(touched[-1])
    if first == 0 or last == length - 1:
        return None
    return max(start - first, last - (start + alignment - 1), 0)


def _fading(run: Run, channels: int, shape: tuple[int, int], alignment: int) -> int | None:
    """From which distance to a cut on the answer is that for the whole; None if from none."""
    distances = []
    for height, width in {shape, shape[::-1]}:
        clean = probe_picture(channels, height, width)
        noisy = torch.cat([clean, torch.full_like(clean, 0.5)])
        noisy = noisy + probe_noise(noisy, _SIGMA)
        whole = run(noisy, _SIGMA)
        for axis in (2, 3):
            if noisy.shape[axis] < max(shape):
                continue
            cut = noisy.shape[axis] // 2 // alignment * alignment
            rest = noisy.shape[axis] - cut
            after = run(noisy.narrow(axis, cut, rest).contiguous(), _SIGMA)
            before = run(noisy.narrow(axis, 0, cut).contiguous(), _SIGMA)
            distances += [
                _distance(after - whole.narrow(axis, cut, rest), whole, axis),
                _distance((before - whole.narrow(axis, 0, cut)).flip(axis), whole, axis),
            ]
    farthest = max(distances)
    return farthest if farthest < max(shape) * 3 // 8 else None


def _distance(difference: Tensor, whole: Tensor, axis: int) -> int:
    """The number of rows from the cut after which the difference is that of rounding."""
    rows = difference.abs().amax(dim=[d for d in range(4) if d != axis])
    differing = (rows > _TOLERANCE * max(1.0, float(whole.abs().max()))).nonzero()
    return int(differing[-1]) + 1 if len(differing) else 0
