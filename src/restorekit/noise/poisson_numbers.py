"""Poisson numbers, several times as fast as those of torch on a CPU.

Rates up to 12 are rounded at random to a neighbour in a grid of 1/64, which keeps their mean, and
the count of that rate is drawn with an alias table (A. J. Walker, ACM TOMS 1977,
https://doi.org/10.1145/355744.355749). The count of a higher rate is a rounded polynomial of a
normal number, the expansion Q_N2 of M. B. Giles, Algorithm 955: Approximation of the Inverse
Poisson Cumulative Distribution Function, ACM TOMS 2016, https://doi.org/10.1145/2699466.

For every rate the total variation distance to the Poisson distribution is below 1e-4: of 10,000
numbers less than one differs. On other devices torch draws the numbers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor

_FROM_NORMAL = 12  # rates above it are drawn from normal numbers
_LARGE = 40  # above it, the expansion needs no term in 1 / rate
_COUNTS = 64  # a rate of 12 exceeds 63 with a probability of 1e-24
# The 31 random bits of a table look-up: rounding of the rate, column, and choice of the alias.
_ROUNDING_BITS, _COLUMN_BITS, _CHOICE_BITS = 12, 6, 13
_STEPS = 64  # rates of the grid in a unit
_NONE = np.empty(0, np.int64)
_CHUNK = 1 << 16  # numbers that are drawn together, so that intermediate results stay in the cache


def poisson_numbers(rate: Tensor, generator: Generator | None) -> Tensor:
    """A Poisson number for each rate.

    Args:
        rate: expected counts, float32 of any shape; those below 0 count as 0.
        generator: source of the random numbers; torch's own if None.

    Returns:
        Whole numbers of the shape and type of `rate`.
    """
    rate = rate.detach()
    if rate.device.type != "cpu":
        return torch.poisson(rate.clamp(min=0.0), generator)
    counts = torch.empty_like(rate, memory_format=torch.contiguous_format)
    source = _Source(generator)
    with torch.inference_mode():  # which has less to do for each operation
        flat, made = rate.reshape(-1), counts.view(-1)
        left = [
            _fill(made[start : start + _CHUNK], flat[start : start + _CHUNK], source) + start
            for start in range(0, len(flat), _CHUNK)
        ]
        # The few small rates of all parts together, since each operation has a cost of its own.
        for places in torch.from_numpy(np.concatenate(left or [_NONE])).split(_CHUNK):
            if len(places):
                some = torch.empty(len(places), dtype=counts.dtype)
                _fill_mixed(some, flat.index_select(0, places), source)
                made.index_copy_(0, places, some)
    return counts


class _Source:
    """Random bits and normal numbers, all of them determined by a generator of torch.

    Args:
        generator: the generator; torch's own if None.
    """

    def __init__(self, generator: Generator | None) -> None:
        self.generator = generator
        seed = int(torch.randint(2**62, (), generator=generator))
        # A third of the time of torch's generator.
        self._bits = np.random.Generator(np.random.SFC64(seed))

    def bits(self, count: int) -> Tensor:
        """Numbers of 31 random bits each, as int32."""
        words = self._bits.integers(2**64, size=(count + 1) // 2, dtype=np.uint64)
        return torch.from_numpy(words.view(np.int32)[:count]).bitwise_and_(2**31 - 1)


def _fill(counts: Tensor, rate: Tensor, source: _Source) -> np.ndarray:
    """Write the counts of some rates; returns the places of small rates that are left out."""
    if float(rate.max()) > _LARGE:
        small = np.flatnonzero(rate.numpy() <= _LARGE)
        if len(small) < len(rate) // 8:
            counts.normal_(generator=source.generator)
            count_of_large(counts, rate, out=counts)
            return small
    _fill_mixed(counts, rate, source)
    return _NONE


def _fill_mixed(counts: Tensor, rate: Tensor, source: _Source) -> None:
    """Write the counts of some rates, by the methods that these need."""
    least, most = (float(end) for end in rate.aminmax())
    if least < 0.0:
        rate = rate.clamp(min=0.0)
    if most <= _FROM_NORMAL:
        counts.copy_(count_of_bits(source.bits(len(rate)), rate))
        return
    counts.normal_(generator=source.generator)
    count_of_normal(counts, rate, out=counts)
    if least <= _FROM_NORMAL:
        # Several times as fast as torch's masks, which branch at each number.
        places = torch.from_numpy(np.flatnonzero(rate.numpy() <= _FROM_NORMAL))
        low = count_of_bits(source.bits(len(places)), rate.index_select(0, places))
        counts.index_copy_(0, places, low.to(counts.dtype))


def count_of_large(normal: Tensor, rate: Tensor, out: Tensor | None = None) -> Tensor:
    """Counts of rates above 40 from standard normal numbers."""
    # With v = normal / sqrt(rate) and q = normal^2 + 2, the first terms of the expansion are
    # rate (1 + v) + q / 6 - v q / 72.
    part = rate.rsqrt().mul_(normal)
    second = (normal * normal).add_(2.0)
    first = torch.addcmul(rate, rate, part, out=out)
    return first.addcmul_(second, part.sub_(12.0), value=-1 / 72).floor_()


def count_of_normal(normal: Tensor, rate: Tensor, out: Tensor | None = None) -> Tensor:
    """Counts of rates of at least 12 from standard normal numbers."""
    narrow = rate.rsqrt()
    part = normal * narrow
    # With the part v = normal / sqrt(rate), the expansion is rate * P(v) + Q(v) - 8 / (405 rate).
    first = (part * (1 / 270)).sub_(1 / 72).mul_(part).add_(1 / 6).mul_(part).add_(1.0).mul_(part)
    second = (part * (7 / 810)).sub_(1 / 36).mul_(part).add_(1 / 3)
    second.addcmul_(narrow, narrow, value=-8 / 405).add_(rate)
    return torch.addcmul(second, first, rate, out=out).floor_().clamp_(min=0.0)


def count_of_bits(bits: Tensor, rate: Tensor) -> Tensor:
    """Counts of rates of at most 12 from 31 random bits each, as int32."""
    step = 1 << _ROUNDING_BITS
    row = (
        (rate * (_STEPS * step)).add_(bits & (step - 1)).int().bitwise_right_shift_(_ROUNDING_BITS)
    )
    column = (bits >> _ROUNDING_BITS).bitwise_and_(_COUNTS - 1)
    choice = bits >> (_ROUNDING_BITS + _COLUMN_BITS)
    entry = _alias_table().index_select(0, row.mul_(_COUNTS).add_(column))
    # All bits where the number is below the probability of the column, otherwise none. This takes a
    # third of the time of `where`.
    own = choice.sub_(entry >> _COLUMN_BITS).bitwise_right_shift_(31)
    alias = entry.bitwise_and_(_COUNTS - 1)
    return column.bitwise_xor_(alias).bitwise_and_(own).bitwise_xor_(alias)


@cache
def _alias_table() -> Tensor:
    """Alias tables of all rates of the grid, one after the other, as int32.

    An entry holds the probability of its own column in units of 2^-13, and in its 6 lowest bits the
    count that is drawn otherwise.
    """
    with torch.inference_mode(False):  # a tensor of inference mode could not be used in training
        rates = torch.arange(_FROM_NORMAL * _STEPS + 1, dtype=torch.float64)[:, None] / _STEPS
        counts = torch.arange(_COUNTS, dtype=torch.float64)
        logarithm = torch.xlogy(counts, rates) - rates - torch.lgamma(counts + 1)
        own, alias = _aliases(logarithm.exp())
        units = (own * (1 << _CHOICE_BITS)).round().long()
        return ((units << _COLUMN_BITS) | alias).int().flatten()


def _aliases(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """Alias tables of distributions (N, K): the probability of each own column, and the alias."""
    share = probabilities / probabilities.sum(1, keepdim=True) * probabilities.shape[1]
    own = torch.ones_like(share)
    alias = torch.arange(share.shape[1]).expand(share.shape).clone()
    is_open = torch.ones_like(share, dtype=torch.bool)
    for _ in range(share.shape[1] - 1):
        # The largest column fills the smallest one up to 1.
        low = share.masked_fill(~is_open, torch.inf).argmin(1, keepdim=True)
        high = share.masked_fill(~is_open, -torch.inf).argmax(1, keepdim=True)
        rest = share.gather(1, low).clamp(0.0, 1.0)
        own.scatter_(1, low, rest)
        alias.scatter_(1, low, high)
        share.scatter_add_(1, high, rest - 1.0)
        is_open.scatter_(1, low, False)
    return own, alias
