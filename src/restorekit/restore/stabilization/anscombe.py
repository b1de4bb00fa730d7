"""The generalised Anscombe transform and its exact unbiased inverse.

M. Mäkitalo and A. Foi, Optimal inversion of the generalized Anscombe transformation for
Poisson-Gaussian noise, IEEE TIP 2013, https://doi.org/10.1109/TIP.2012.2202675.

A value z has the noise of a Poisson-Gaussian model: z = gain * count + black + noise, where the
count has a Poisson distribution with mean (signal - black) / gain, and the noise is normal. The
transform f(z) has a variance of about 1 whatever the signal is. A network removes the noise from
f(z) and so estimates its expectation E[f(z)], which differs from f(signal). The exact unbiased
inverse maps the expectation to the signal. It is tabulated here, from sums over the distribution of
the count and integrals over that of the noise.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorekit.estimate.noise_curve import NoiseCurve

_OFFSET = 3 / 8
# From this variance on, in squared counts, the expectation follows its asymptote: the error is
# below 0.1 % of a standard deviation.
_ASYMPTOTIC = 400.0
_TAIL = 10.0  # standard deviations of the Poisson distribution that are summed
_NODES, _WIDTH = 801, 7.0  # of the integral over the normal distribution
_COUNTS, _TABLE = 1200, 4096  # entries of the table of expectations, and of its inverse


class Anscombe:
    """The transform for one noise curve.

    Args:
        curve: the variance of the noise. Its gain must be above 0.

    Attributes:
        gain: value of one count.
        black: signal at which the count is 0.
        read: variance of the normal noise, in squared counts.
    """

    def __init__(self, curve: NoiseCurve) -> None:
        self.gain = curve.gain
        # The transform depends only on gain and variance. A negative variance means a pedestal.
        self.black = max(0.0, -curve.variance / curve.gain)
        self.read = max(0.0, curve.variance) / curve.gain**2
        self._table: tuple[float, float, Tensor] | None = None
        if self.read < _ASYMPTOTIC:
            self._table = _inverse_table(self.read)

    def forward(self, values: Tensor) -> Tensor:
        """Transform values, on the scale of the curve; the noise then has variance 1."""
        counts = (values - self.black) / self.gain
        return 2 * (counts + (_OFFSET + self.read)).clamp_min(0).sqrt()

    def inverse(self, expected: Tensor) -> Tensor:
        """The signals whose transformed values have these expectations."""
        counts = expected.square() / 4 - (1 / 8 + self.read)
        if self._table is not None:
            start, step, table = self._table
            place = (expected - start) / step
            # Below the table, the inverse continues as a line: values may lie below black.
            node = place.long().clamp(0, len(table) - 2)
            nodes = table.to(expected)
            inside = nodes[node].lerp(nodes[node + 1], (place - node).to(expected))
            counts = torch.where(place < len(table) - 1, inside, counts)
        return counts * self.gain + self.black


@lru_cache(maxsize=64)
def anscombe(curve: NoiseCurve) -> Anscombe:
    """The transform for a noise curve; its table is kept."""
    return Anscombe(curve)


@lru_cache(maxsize=64)
def _inverse_table(read: float) -> tuple[float, float, Tensor]:
    """Mean counts at even steps of the expectation: the first expectation, the step, the counts."""
    roots = np.linspace(0, math.sqrt(_ASYMPTOTIC - read), _COUNTS)
    expected = expectations(roots**2, read)
    even = np.linspace(expected[0], expected[-1], _TABLE)
    # The root of the count is smoother in the expectation than the count is, but not at 0, where
    # the count is a line; the nodes are dense enough there.
    counts = np.interp(even, expected, roots**2)
    return float(even[0]), float(even[1] - even[0]), torch.from_numpy(counts)


def expectations(counts: NDArray[np.float64], read: float) -> NDArray[np.float64]:
    """Expectation of the transformed value for each mean count.

    Args:
        counts: means of the Poisson distribution.
        read: variance of the normal noise, in squared counts.
    """
    most = float(counts.max())
    drawn = np.arange(int(most + _TAIL * math.sqrt(most) + 20))
    normal = np.linspace(-_WIDTH, _WIDTH, _NODES)
    density = np.exp(-(normal**2) / 2)
    density /= density.sum()
    given = drawn[:, None] + (math.sqrt(read) * normal + _OFFSET + read)
    of_count = (2 * np.sqrt(np.maximum(given, 0))) @ density
    factorials = np.array([math.lgamma(count + 1.0) for count in drawn])
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = drawn * np.log(counts)[:, None] - counts[:, None] - factorials
    probabilities = np.where(counts[:, None] > 0, np.exp(logarithms), drawn == 0)
    found: NDArray[np.float64] = probabilities @ of_count
    return found
