"""Flat blocks of a picture in intervals of the signal, and the noise that they contain.

Blocks are selected by the low and middle frequencies of their cosine transform and measured by the
high ones. If both used the same frequencies, the selection would bias white noise downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorekit.estimate.cosine_transform import (
    SIDE,
    blocks_of,
    dct_of_blocks,
    order_of_coefficients,
)

_BINS = 24  # intervals of the signal
_TAILS = 0.001  # share of the blocks at each end that does not determine the intervals
_CLIPPED = 0.02  # intervals with a larger share of clipped pixels are excluded
_LEAST_BLOCKS, _SHARE = 60, 0.03  # the flattest blocks of an interval
# Pixels for one independent block: blocks that overlap share most of their noise.
_INDEPENDENT = 25


@dataclass(frozen=True)
class SignalBlocks:
    """Blocks in intervals of the signal, without clipped intervals and constant blocks.

    Attributes:
        signal: mean of each block, (n,).
        rough: mean square of its low and middle frequencies (orders 1 to 8), (n,).
        high: mean square of its high frequencies (orders 9 to 14), (n,).
        interval: index of its interval, (n,).
        flattest: whether it is one of the flattest blocks of its interval, (n,).
        ratio: ratio of middle to high frequencies in each interval.
        overlap: number of independent blocks for each block, at most 1.
    """

    signal: Tensor
    rough: Tensor
    high: Tensor
    interval: Tensor
    flattest: Tensor
    ratio: Tensor
    overlap: float

    def measured(self, flat: Tensor) -> NDArray[np.float64]:
        """Measure the flat blocks of each interval that has enough blocks.

        Args:
            flat: whether a block is flat, (n,).

        Returns:
            Signal, variance, number of independent blocks, and ratio of middle to high frequencies
            of each interval, (intervals, 4).
        """
        interval, intervals = self.interval[flat], len(self.ratio)
        total = torch.bincount(self.interval, minlength=intervals)
        count = torch.bincount(interval, minlength=intervals).double()
        sums = [_sums(each[flat], interval, intervals) for each in (self.signal, self.high)]
        columns = [sums[0] / count, sums[1] / count, count * self.overlap, self.ratio.double()]
        found: NDArray[np.float64] = torch.stack(columns, 1)[total >= 2 * _LEAST_BLOCKS].numpy()
        return found


def signal_blocks(planes: Tensor, number: int) -> SignalBlocks | None:
    """Divide pieces of one channel into blocks; None if all have the same signal.

    Args:
        planes: (N, h, w), floats on the [0, 1] scale.
        number: approximate number of blocks.
    """
    height, width = planes.shape[1:]
    if min(height, width) < SIDE:
        return None
    positions = len(planes) * (height - SIDE + 1) * (width - SIDE + 1)
    step = max(1, round((positions / number) ** 0.5))
    blocks = blocks_of(planes, step)
    coefficients = dct_of_blocks(blocks)
    signal = coefficients[:, 0] / SIDE
    if (interval := _intervals(signal)) is None:
        return None
    kept = _unclipped(blocks, interval)
    signal, interval, power = signal[kept], interval[kept], coefficients[kept].square_()
    order = order_of_coefficients(planes.device)
    bands = [(order > 0) & (order < 5), (order >= 5) & (order < 9), order < 9, order >= 9]
    bands[2] = bands[2] & (order > 0)
    share = torch.stack(bands, 1).to(power)
    low, middle, rough, high = (power @ (share / share.sum(0))).unbind(1)
    calm = _flattest(low, interval)
    ratio = _sums(middle[calm], interval[calm]) / _sums(high[calm], interval[calm]).clamp_min(1e-12)
    flattest = _flattest(rough, interval)
    overlap = min(1.0, step**2 / _INDEPENDENT)
    return SignalBlocks(signal, rough, high, interval, flattest, ratio.sqrt(), overlap)


def _intervals(signal: Tensor) -> Tensor | None:
    """The interval of each signal; None if all are equal."""
    ordered = signal.sort().values
    last = len(ordered) - 1
    low, high = ordered[int(_TAILS * last)].item(), ordered[last - int(_TAILS * last)].item()
    if high <= low:
        return None
    return ((signal.double() - low) / (high - low) * _BINS).long().clamp(0, _BINS - 1)


def _unclipped(blocks: Tensor, interval: Tensor) -> Tensor:
    """Whether a block is not constant, and hardly any pixel of its interval is clipped."""
    low, high = blocks.aminmax(dim=1)
    kept = high > low
    if bool((low <= 0).any() or (high >= 1).any()):
        clipped = ((blocks <= 0) | (blocks >= 1)).float().mean(1)
        share = _sums(clipped, interval) / _sums(torch.ones_like(clipped), interval).clamp_min(1)
        kept &= (share <= _CLIPPED)[interval]
    return kept


def _flattest(energy: Tensor, interval: Tensor) -> Tensor:
    """Whether a block is one of those of its interval with the least energy."""
    if not len(energy):
        return torch.zeros_like(interval, dtype=torch.bool)
    # One sort by interval and energy.
    order = (interval + 0.999 * (energy.double() / energy.max().clamp_min(1e-30))).argsort()
    size = torch.bincount(interval, minlength=_BINS)
    rank = torch.arange(len(order)) - (size.cumsum(0) - size)[interval[order]]
    wanted = (_SHARE * size).clamp_min(_LEAST_BLOCKS)
    flattest = torch.zeros_like(interval, dtype=torch.bool)
    flattest[order] = rank < wanted[interval[order]]
    return flattest


def _sums(values: Tensor, interval: Tensor, intervals: int = _BINS) -> Tensor:
    """The sum of the values in each interval."""
    return torch.bincount(interval, weights=values.double(), minlength=intervals)


def joined_blocks(channels: Sequence[SignalBlocks | None]) -> SignalBlocks | None:
    """The blocks of all channels; each channel keeps its own intervals."""
    known = [blocks for blocks in channels if blocks is not None]
    if not known:
        return None
    return SignalBlocks(
        torch.cat([blocks.signal for blocks in known]),
        torch.cat([blocks.rough for blocks in known]),
        torch.cat([blocks.high for blocks in known]),
        torch.cat([blocks.interval + number * _BINS for number, blocks in enumerate(known)]),
        torch.cat([blocks.flattest for blocks in known]),
        torch.cat([blocks.ratio for blocks in known]),
        known[0].overlap,
    )
