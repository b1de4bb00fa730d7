"""Poisson numbers, several times as fast as those of torch on a CPU.

Rates below 124 are rounded at random to a neighbour in a grid, which keeps their mean to 1/4096 of
a step, and the count of that rate is drawn with an alias table (A. J. Walker, ACM TOMS 1977,
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

_CHUNK = 1 << 16  # numbers that are drawn together, so that intermediate results stay in the cache

# The grid has the float32 numbers of few mantissa bits from 4 to 128, less 4. Its steps grow from
# 1/64 to 1/4 as the distribution changes more slowly with the rate. The bits of a float grow
# linearly between two of them, so a random number that is added to its low bits rounds at random.
_OFFSET, _END = 4.0, 128.0
_GRID_BITS = 23 - 8  # low bits of a float that its place in the grid does not have
_TABLE_END = _END - _OFFSET  # rates below it have a row in the table
_NORMAL_FROM = 40.0  # rates above it may be drawn from normal numbers
_COLUMNS = 128  # of a row: the counts from 0 on, or those around a rate above 64
# The 32 random bits of a table look-up: rounding of the rate, column, and choice of the alias.
_ROUNDING_BITS, _COLUMN_BITS, _CHOICE_BITS = 12, 7, 13
_COUNT_BITS = 8  # of a count in an entry of the table
_FIRST_ROW = int(torch.tensor(_OFFSET).view(torch.int32)) >> _GRID_BITS
_LAST = float(np.nextafter(np.float32(_END), np.float32(0)))
_NONE = np.empty(0, np.int64)


def poisson_numbers(rate: Tensor, generator: Generator | None) -> Tensor:
    """A Poisson number for each rate.

    Args:
        rate: expected counts, float32 of any shape; those below 0 count as 0. A contiguous tensor
            is overwritten.
        generator: source of the random numbers; torch's own if None.

    Returns:
        Whole numbers of the shape and type of `rate`.
    """
    rate = rate.detach()
    if rate.device.type != "cpu":
        return torch.poisson(rate.clamp(min=0.0), generator)
    rate = rate.contiguous()
    with torch.inference_mode():  # which has less to do for each operation
        _draw(rate.view(-1), _Source(generator))
    return rate


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
        """Numbers of 32 random bits each, as int32."""
        words = self._bits.integers(2**64, size=(count + 1) // 2, dtype=np.uint64)
        return torch.from_numpy(words.view(np.int32)[:count])


def _draw(values: Tensor, source: _Source) -> None:
    """Replace rates (N,) by counts."""
    parts = [(start, values[start : start + _CHUNK]) for start in range(0, len(values), _CHUNK)]
    left = [(start, *_draw_most(part, source)) for start, part in parts]
    if any(len(places) for _, places, _ in left):
        # Together, since each operation has a cost of its own.
        others = torch.cat([rates for _, _, rates in left])
        _draw(others, source)
        places = np.concatenate([start + places for start, places, _ in left])
        values.index_copy_(0, torch.from_numpy(places), others)


def _draw_most(values: Tensor, source: _Source) -> tuple[np.ndarray, Tensor]:
    """Replace rates of a part by counts, with the method that can draw most of them.

    Returns:
        The places and the rates of the others, which are at most half of the part.
    """
    # NumPy's searches take a fraction of the time of torch's masks, which branch at each number.
    rate = values.numpy()
    in_table = rate < _TABLE_END
    beyond, small = len(rate) - np.count_nonzero(in_table), rate <= _NORMAL_FROM
    is_from_table = not beyond or beyond <= np.count_nonzero(small)
    places = np.flatnonzero(~in_table if is_from_table else small) if beyond else _NONE
    index = torch.from_numpy(places)
    left = values.index_select(0, index)
    if is_from_table:
        values.index_fill_(0, index, 0.0)
        values.copy_(count_of_bits(source.bits(len(values)), values))
    else:
        normal = torch.empty_like(values).normal_(generator=source.generator)
        count_of_normal(normal, values, out=values)
    return places, left


def count_of_normal(normal: Tensor, rate: Tensor, out: Tensor | None = None) -> Tensor:
    """Counts of rates above 40 from standard normal numbers."""
    # With v = normal / sqrt(rate) and q = normal^2 + 2, the first terms of the expansion are
    # rate (1 + v) + q / 6 - v q / 72.
    part = rate.rsqrt().mul_(normal)
    second = (normal * normal).add_(2.0)
    first = torch.addcmul(rate, rate, part, out=out)
    return first.addcmul_(second, part.sub_(12.0), value=-1 / 72).floor_()


def count_of_bits(bits: Tensor, rate: Tensor) -> Tensor:
    """Counts of rates below 124 from 32 random bits each, as int32; a lower rate than 0 is 0."""
    rounding = (bits & ((1 << _ROUNDING_BITS) - 1)).bitwise_left_shift_(_GRID_BITS - _ROUNDING_BITS)
    row = (rate + _OFFSET).clamp_(_OFFSET, _LAST).view(torch.int32).add_(rounding)
    row.bitwise_right_shift_(_GRID_BITS).sub_(_FIRST_ROW)
    column = (bits >> _ROUNDING_BITS).bitwise_and_(_COLUMNS - 1)
    entry = _alias_table().index_select(0, row.mul_(_COLUMNS).add_(column))
    choice = bits >> (_ROUNDING_BITS + _COLUMN_BITS)
    # All bits where the choice is not below the probability of the column, otherwise none. This
    # takes a third of the time of `where`.
    is_alias = (entry >> 2 * _COUNT_BITS).sub_(choice).bitwise_right_shift_(31)
    change = is_alias.bitwise_and_(entry >> _COUNT_BITS)
    return change.bitwise_xor_(entry).bitwise_and_((1 << _COUNT_BITS) - 1)


@cache
def _alias_table() -> Tensor:
    """Alias tables of all rates of the grid, one after the other, as int32.

    The lowest 8 bits of an entry are the count of its own column, the next 8 those that change it
    to the count that is drawn otherwise. The rest is the probability of the own column in units of
    2^-13, less 4097: a choice is a number from -4096 to 4095, and it stands for the own column if
    it is not above the rest.
    """
    with torch.inference_mode(False):  # a tensor of inference mode could not be used in training
        last = torch.tensor(_END).view(torch.int32) >> _GRID_BITS
        grid = torch.arange(_FIRST_ROW, int(last) + 1, dtype=torch.int32) << _GRID_BITS
        rates = grid.view(torch.float32).double()[:, None] - _OFFSET
        lowest = (rates - _COLUMNS // 2).clamp(min=0.0).round()
        counts = lowest + torch.arange(_COLUMNS, dtype=torch.float64)
        logarithm = torch.xlogy(counts, rates) - rates - torch.lgamma(counts + 1)
        own, alias = _aliases(logarithm.exp())
        units = (own * (1 << _CHOICE_BITS)).round().long() - (1 << (_CHOICE_BITS - 1)) - 1
        count = counts.long()
        change = count ^ (alias + lowest.long())
        return (units << 2 * _COUNT_BITS | change << _COUNT_BITS | count).int().flatten()


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
