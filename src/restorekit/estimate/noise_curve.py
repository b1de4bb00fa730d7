"""The variance of the noise as a function of the signal: a Poisson-Gaussian model.

A. Foi, M. Trimeche, V. Katkovnik and K. Egiazarian, Practical Poissonian-Gaussian noise modeling
and fitting for single-image raw-data, IEEE TIP 2008, https://doi.org/10.1109/TIP.2008.2001399.
This implementation measures the variance in flat 8x8 blocks. The variance is linear in the signal,
so a block need not be constant: its mean variance is that of its mean signal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.signal_blocks import SignalBlocks, joined_blocks, signal_blocks

Array = NDArray[np.float64]

_BLOCKS, _BLOCKS_OF_CHANNEL = 60_000, 32_768  # approximate numbers, all channels and one
_LEAST_INTERVALS = 4
# Blocks whose low and middle frequencies have less than this multiple of the noise are flat.
_FLAT = 1.1
_ROUNDS, _STEPS = 4, 40  # selections of the blocks, and steps of each robust fit
_HIGH_FREQUENCIES = 21  # coefficients that measure the variance of a block
_MODEL_ERROR = 0.04  # of a relative variance, besides the random error
# Texture raises the ratio of middle to high frequencies of an interval, which reduces its weight.
_TEXTURED, _TEXTURE_SCALE = 1.06, 0.12
# Distances from the line, in robust standard deviations, at which a point has half its weight.
# Texture adds to the variance and never takes from it.
_REACH_ABOVE, _REACH_BELOW = 1.5, 3.0
_LEAST_SCATTER = 0.03  # for the standard errors: few points may lie on a line by chance
# Full and no confidence: ratio of middle to high frequencies, scatter around the line, and gain
# relative to its standard error.
_WHITE, _SCATTER, _SIGNIFICANT = (1.05, 1.25), (0.04, 0.16), (16.0, 4.0)
# The same for the share of blocks that have much less noise than the line says, in variance: a
# screen in a part of a page looks like white noise, and the paper has none of it.
_MUCH_LESS, _BELOW = 0.25, (0.02, 0.1)
_TRUSTED = 0.5


@dataclass(frozen=True)
class NoiseCurve:
    """The variance of the noise as a function of the signal: gain * signal + variance.

    Signals are on the scale where black is 0 and white is 1, variances on its square.

    Attributes:
        gain: increase of the variance with the signal. For photon noise it is the value of one
            photon.
        variance: variance at signal 0: that of the read noise, minus gain times pedestal if the
            signal without light is not 0 but a pedestal. It may be negative then.

    Example:
        >>> curve = restorekit.NoiseCurve(gain=0.01, variance=1e-4)
        >>> round(curve.sigma(0.5), 4)
        0.0714
    """

    gain: float
    variance: float

    def sigma(self, signal: float) -> float:
        """Standard deviation of the noise at a signal; 0 where the line is below 0."""
        return float(max(0.0, self.gain * signal + self.variance) ** 0.5)


@dataclass(frozen=True)
class NoiseCurveFit:
    """The noise curve of a picture, and how far it can be trusted.

    Attributes:
        curve: of all channels together; gain and variance are 0 if nothing could be measured.
        channels: of each channel; `curve` for channels that could not be measured.
        points: signal and variance that were measured, of all channels together.
        scatter: standard deviation of the relative distance of the points from the line.
        gain_error: standard error of the gain.
        correlation: ratio of the standard deviations of the noise in the middle and in the high
            frequencies: about 1 for white noise, 1.35 or more for correlated noise.
        confidence: from 0 to 1. It is low if noise is correlated, if the points do not lie on a
            line, if blocks have much less noise than the line says, or if the gain cannot be
            distinguished from 0.
        is_trustworthy: whether the confidence suffices to use the curve.
    """

    curve: NoiseCurve
    channels: tuple[NoiseCurve, ...]
    points: tuple[tuple[float, float], ...] = field(default=(), repr=False)
    scatter: float = 0.0
    gain_error: float = 0.0
    correlation: float = 1.0
    confidence: float = 0.0
    is_trustworthy: bool = False

    @property
    def words(self) -> str:
        """The finding in plain words."""
        if not self.points:
            return "no noise curve could be measured"
        dark, bright = (255 * self.curve.sigma(signal) for signal in (0.0, 1.0))
        trust = "trustworthy" if self.is_trustworthy else "not trustworthy"
        return (
            f"{dark:.2g}/255 at black, {bright:.2g}/255 at white (gain {self.curve.gain:.2g}), "
            f"{trust} (confidence {self.confidence:.2f})"
        )


class MeasureNoiseCurve:
    """Measures the noise curve of a picture; the result is a `NoiseCurveFit`.

    The gain is within 15 % where the curve is trustworthy. Ranges of the signal where values are
    clipped, or where texture hides the noise, are excluded. The curve of correlated noise, for
    example of a camera JPEG, is not trustworthy: its high frequencies have been removed.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> signal = torch.linspace(0.1, 0.9, 256).expand(1, 256, 256)
        >>> noisy = signal + (0.01 * signal).sqrt() * torch.randn(1, 256, 256)
        >>> fit = restorekit.create_measurement("noise_curve")(ImageSample.of(noisy))
        >>> fit.is_trustworthy, bool(abs(fit.curve.gain - 0.01) < 0.0015)
        (True, True)
    """

    @torch.no_grad()
    def __call__(self, sample: ImageSample) -> NoiseCurveFit:
        """Measure a sample."""
        planes = sample.pieces.unbind(1)
        number = min(_BLOCKS_OF_CHANNEL, _BLOCKS // len(planes))
        channels = [signal_blocks(plane, number) for plane in planes]
        lines = [_fit(blocks) for blocks in channels]
        together = lines[0] if len(lines) == 1 else _fit(joined_blocks(channels))
        curve = NoiseCurve(0.0, 0.0) if together is None else together.curve
        curves = tuple(curve if line is None else line.curve for line in lines)
        if together is None:
            return NoiseCurveFit(curve, curves)
        confidence = together.confidence
        return NoiseCurveFit(
            curve,
            curves,
            tuple((float(signal), float(variance)) for signal, variance in together.points),
            together.scatter,
            together.gain_error,
            together.correlation,
            confidence,
            confidence >= _TRUSTED and all(each.gain > 0 for each in curves),
        )


@dataclass(frozen=True)
class _Line:
    """A fitted line.

    Attributes:
        below: share of the blocks that have much less noise.
    """

    curve: NoiseCurve
    points: Array
    scatter: float
    gain_error: float
    correlation: float
    below: float

    @property
    def confidence(self) -> float:
        """See `NoiseCurveFit`."""
        significance = self.curve.gain / max(self.gain_error, 1e-12)
        return (
            _ramp(self.correlation, *_WHITE)
            * _ramp(self.scatter, *_SCATTER)
            * _ramp(significance, *_SIGNIFICANT)
            * _ramp(self.below, *_BELOW)
        )


def _fit(blocks: SignalBlocks | None) -> _Line | None:
    """Fit a line, and repeat the selection of flat blocks with the noise that it predicts."""
    if blocks is None:
        return None
    flat = blocks.flattest
    line: _Line | None = None
    for _ in range(_ROUNDS):
        measured = blocks.measured(flat)
        if len(measured) < _LEAST_INTERVALS:
            return None
        signal, variance, count, ratio = measured.T
        line = _line(signal, variance, count, ratio)
        least = float(variance.min()) / 2 + 1e-12
        expected = line.curve.gain * blocks.signal + line.curve.variance
        flat = blocks.flattest | (blocks.rough < _FLAT * expected.clamp_min(least))
    return line


def _line(signal: Array, variance: Array, count: Array, ratio: Array) -> _Line:
    """A robust line through the variances; points above it count less, because texture adds."""
    calmest = np.sort(ratio)[: max(1, len(ratio) // 4)].mean()
    prior = 1 / (2 / (_HIGH_FREQUENCIES * count) + _MODEL_ERROR**2)
    prior *= np.exp(-((np.maximum(ratio / calmest - _TEXTURED, 0) / _TEXTURE_SCALE) ** 2))
    prior /= prior.max()
    least = variance.min() / 2 + 1e-12
    expected, weight = np.full_like(variance, np.median(variance)), prior
    for _ in range(_STEPS):
        scaled = weight / expected**2
        total = scaled.sum()
        centre, mean = (scaled @ signal) / total, (scaled @ variance) / total
        spread = scaled @ (signal - centre) ** 2
        gain = scaled @ ((signal - centre) * (variance - mean)) / max(spread, 1e-300)
        expected = np.maximum(mean + gain * (signal - centre), least)
        error = variance / expected - 1
        scale = max(_LEAST_SCATTER, 1.48 * float(np.median(np.abs(error))))
        reach = np.where(error > 0, _REACH_ABOVE, _REACH_BELOW) * scale
        weight = prior / (1 + (error / reach) ** 2)
    scatter = float(np.sqrt((weight @ error**2) / weight.sum()))
    return _Line(
        NoiseCurve(float(gain), float(mean - gain * centre)),
        np.stack([signal, variance], 1),
        scatter,
        max(scatter, _LEAST_SCATTER) / max(float(spread), 1e-300) ** 0.5,
        float(calmest),
        float(count[variance < _MUCH_LESS * expected].sum() / count.sum()),
    )


def _ramp(value: float, full: float, none: float) -> float:
    """1 at `full`, 0 at `none`, linear between them."""
    return min(1.0, max(0.0, (value - none) / (full - none)))
