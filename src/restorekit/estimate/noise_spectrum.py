"""The spectrum of the noise at several scales, and the blurred white noise that explains it.

White noise loses half of its standard deviation each time that 2x2 pixels are averaged, and coarse
noise loses less. The picture is averaged to each scale, and the spectrum is measured in its
flattest 8x8 blocks. Texture adds to the spectrum and never takes from it. So the noise is the white
noise, blurred by a Gaussian, whose spectra lie nowhere above those measured and agree with as many
of them as possible.

Texture also differs from block to block, while noise is the same everywhere: frequencies whose
power grows quickly from the flattest blocks to less flat ones count less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorekit.estimate.cosine_transform import (
    SIDE,
    blocks_of,
    dct_of_blocks,
    order_of_coefficients,
    spread_step,
)
from restorekit.estimate.image_sample import ImageSample, once_for_sample
from restorekit.estimate.white_paper import WhitePaper, white_paper

SCALES = (1, 2, 4, 8)
_BLOCKS = 16384  # largest number of blocks of a plane at a scale
_BRIGHTNESS_LEVELS, _BLOCKS_OF_LEVEL = 5, 1500
# Shares of the blocks of a brightness level, and least numbers: the flattest, and less flat ones.
_SHARES, _LEAST = (0.01, 0.04), (30, 120)
_SATURATED = 0.02  # share of pixels; blocks with more are used only if there are no others
_AGREES = (
    1.4  # brightness levels with a steeper spectrum than this, relative to others, are texture
)
# Widths of the Gaussian in pixels. Narrower ones leave the noise almost white.
_BLURS = (0.0, *(0.5 * 1.1**step for step in range(28)))
_VARIANCES = torch.linspace(math.log(1e-10), math.log(0.3), 90)  # logarithms
_MARGIN = 2.0  # how far the variance of noise may be from that of its frequencies, in logarithms
# Standard deviation of a measured logarithm, and how much a frequency with texture may cost.
_SPREAD, _MOST_COST = 0.2, 2.0
_GROWTH = 0.3  # logarithm; from here on, a frequency counts less
# How far luma may differ from chroma, in the logarithms of the level and of the blur, and how much
# that counts: texture is mostly in luma.
_LEVEL_APART, _BLUR_APART, _AGREEMENT, _MOST_APART = 1.0, 0.35, 30.0, 4.0
_STRONG = 0.02  # of the largest power of a model; weaker frequencies say nothing about it
DOUBTFUL = 0.35  # confidence below which it is more likely texture
_LEAST_SHARE = 0.1  # of the mean variance, in a channel


@dataclass(frozen=True)
class BlurredNoise:
    """White noise that was blurred by a Gaussian.

    Attributes:
        level: its standard deviation, after the blur.
        blur: standard deviation of the Gaussian in pixels, vertical and horizontal; 0 for white.
        confidence: share of the measured frequencies that agree with it, from 0 to 1.
    """

    level: float = 0.0
    blur: tuple[float, float] = (0.0, 0.0)
    confidence: float = 0.0

    @property
    def length(self) -> float:
        """The blur, as the geometric mean over both axes."""
        return math.sqrt(math.prod(self.blur))

    @property
    def is_doubtful(self) -> bool:
        """Whether it is more likely texture."""
        return self.confidence < DOUBTFUL

    @property
    def levels(self) -> tuple[float, ...]:
        """The standard deviation at each of `SCALES`."""
        tables = [_averaged_variances(width) for width in self.blur]
        return tuple(self.level * math.sqrt(y * x) for y, x in zip(*tables, strict=True))


@once_for_sample
def luma_and_chroma(sample: ImageSample) -> tuple[BlurredNoise, BlurredNoise | None]:
    """The noise of luma and of chroma, the latter for pictures of three channels.

    The transform is orthonormal: luma is (R + G + B) / sqrt(3), chroma is (R - B) / sqrt(2) and
    (R - 2 G + B) / sqrt(6), of which the mean variance is taken. Independent noise of equal level
    in all channels has that level in luma and in chroma. Where texture hides the noise of luma, it
    is taken to be that of chroma, with the low confidence of luma.
    """
    pieces = sample.pieces
    rounding = 0.9 * sample.rounding
    transform = opponent() if pieces.shape[1] == 3 else _mean(pieces.shape[1])
    if (paper := white_paper(sample)) is not None:
        return _on_paper(paper, torch.einsum("pc,nchw->pnhw", transform, pieces), rounding)
    spectra = measure_spectra(pieces, transform)
    if len(spectra) == 1:
        return fit_noise(spectra[0], rounding), None
    chroma = fit_noise(spectra[1:].mean(0), rounding)
    luma = fit_noise(spectra[0], rounding, chroma)
    if luma.is_doubtful and not chroma.is_doubtful and luma.level > chroma.level:
        luma = replace(chroma, confidence=luma.confidence)
    return luma, chroma


def _on_paper(
    paper: WhitePaper, planes: Tensor, rounding: float
) -> tuple[BlurredNoise, BlurredNoise | None]:
    """The noise of planes (P, N, h, w) of white paper, which is white if it is clipped at random.

    It is not measured at other scales, at which letters look like coarse noise.
    """
    luma, *rest = (BlurredNoise(level, confidence=1.0) for level in paper.levels(planes, rounding))
    if not rest:
        return luma, None
    level = math.sqrt(sum(each.level**2 for each in rest) / len(rest))
    return luma, BlurredNoise(level, confidence=1.0)


def opponent() -> Tensor:
    """The orthonormal transform (3, 3) of red, green and blue to luma and two planes of chroma."""
    rows = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]])
    return functional.normalize(rows, dim=1)


def channel_shares(pieces: Tensor, chroma: BlurredNoise) -> tuple[float, float, float]:
    """The level of each of three channels relative to their root mean square.

    The differences of two channels have hardly any texture, and the sum of their variances. The
    frequencies in which the noise is strong are compared.

    Args:
        pieces: (N, 3, h, w) of one picture.
        chroma: its noise in chroma.
    """
    pairs = torch.tensor([[1.0, -1, 0], [0, 1, -1], [-1, 0, 1]]) / math.sqrt(2)
    power = measure_spectra(pieces, pairs)[:, :, 0, _measured_frequencies()].clamp_min(1e-13)
    model = _axes_model(*chroma.blur)
    strong = (model > _STRONG * model.amax()) & ~power.isnan().any(0)
    relative = (power / power.mean(0))[:, strong]
    if not relative.numel():
        return 1.0, 1.0, 1.0
    first, second, third = relative.median(1).values
    variances = torch.stack(
        [first + third - second, first + second - third, second + third - first]
    )
    shares = variances.clamp_min(_LEAST_SHARE)
    red, green, blue = (shares / shares.mean()).sqrt().tolist()
    return red, green, blue


def _mean(channels: int) -> Tensor:
    return torch.full((1, channels), channels**-0.5)


def measure_spectra(pieces: Tensor, transform: Tensor) -> Tensor:
    """Power of the noise at each scale and frequency, in the flattest and in less flat blocks.

    Args:
        pieces: (N, C, h, w) of one picture.
        transform: (P, C), the planes to measure.

    Returns:
        (P, scales, 2, 64); NaN at scales at which the pieces are smaller than a block, and where
        all blocks are constant.
    """
    planes = torch.einsum("pc,nchw->pnhw", transform, pieces)
    saturated = ((pieces <= 0) | (pieces >= 1)).any(1).float()
    spectra = torch.full((len(planes), len(SCALES), 2, SIDE**2), math.nan)
    for place, scale in enumerate(SCALES):
        if min(pieces.shape[-2:]) < scale * SIDE:
            break
        if scale > 1:
            planes, saturated = (functional.avg_pool2d(x, 2) for x in (planes, saturated))
        clipped = _unfolded(saturated).mean(1)
        for index, plane in enumerate(planes):
            blocks = _unfolded(plane)
            usable = blocks.amax(1) > blocks.amin(1)
            if bool((clipped > _SATURATED).any()):
                quarter = clipped.kthvalue(max(1, len(clipped) // 4)).values
                usable &= clipped <= quarter.clamp_min(_SATURATED)
            if bool(usable.any()):
                spectra[index, place] = _spectrum(dct_of_blocks(blocks[usable]))
    return spectra


def _unfolded(planes: Tensor) -> Tensor:
    """Blocks (n, 64) of planes (N, h, w), evenly spread."""
    return blocks_of(planes, spread_step(planes, _BLOCKS))


def _spectrum(coefficients: Tensor) -> Tensor:
    """Mean power (2, 64) in the flattest blocks, over brightness levels that agree."""
    count = min(_BRIGHTNESS_LEVELS, max(1, len(coefficients) // _BLOCKS_OF_LEVEL))
    levels = coefficients[:, 0].argsort().tensor_split(count)
    powers = torch.stack([_flattest(coefficients[level].square()) for level in levels])
    order = order_of_coefficients(powers.device)
    middle = powers[:, 0, (order >= 5) & (order < 9)].mean(1)
    steepness = middle / powers[:, 0, order >= 9].mean(1).clamp_min(1e-12)
    return powers[steepness <= _AGREES * steepness.min()].mean(0)


def _flattest(power: Tensor) -> Tensor:
    """Mean power in the flattest blocks, for both shares, (2, 64).

    Blocks must not be chosen by what is measured in them, because the lowest of many random values
    is too low. They are chosen by the low frequencies and half of the others, and the other half is
    measured.
    """
    order = order_of_coefficients(power.device)
    low = ((order > 0) & (order < 5)).float()
    typical = power[_lowest(power @ low, _SHARES[0], _LEAST[0])].mean(0).clamp_min(1e-12)
    halves = [((order >= 5) & (order % 2 == parity)) for parity in (0, 1)]
    found = torch.zeros(2, SIDE**2)
    for measured, other in (halves, halves[::-1]):
        energy = power @ ((low + other) / typical)
        for row, (share, least) in enumerate(zip(_SHARES, _LEAST, strict=True)):
            found[row, measured] = power[_lowest(energy, share, least)].mean(0)[measured]
    return found


def _lowest(energy: Tensor, share: float, least: int) -> Tensor:
    count = min(len(energy), max(least, int(share * len(energy))))
    return energy.topk(count, largest=False).indices


def fit_noise(
    spectra: Tensor, rounding: float = 0.0, expected: BlurredNoise | None = None
) -> BlurredNoise:
    """Fit blurred white noise to the spectra of a plane.

    Args:
        spectra: (scales, 2, 64), from `measure_spectra`.
        rounding: variance of the rounding of the picture, which is white.
        expected: the noise of chroma. It decides where texture leaves several possibilities.
    """
    spectra = spectra[:, :, _measured_frequencies()].clamp_min(1e-13)
    known = ~spectra[:, 0].isnan()
    if not bool(known.any()):
        return BlurredNoise()
    growth = (spectra[:, 1] / spectra[:, 0]).log().clamp_min(0) / _GROWTH
    weights = torch.where(known, (-growth.square() / 2).exp(), 0.0)
    power = torch.where(known, spectra[:, 0], 1.0).log()
    floor = rounding * torch.tensor(SCALES)[:, None] ** -2.0
    pairs = list(product(range(0, len(_BLURS), 3), repeat=2))
    variances = _possible_variances(power[known])
    for is_last, spread in ((False, 1.5 * _SPREAD), (True, _SPREAD)):
        models = torch.stack([_model(*pair) for pair in pairs])
        above = _above(power, models, variances, floor)
        costs = _costs(above, weights, spread) + _apart(expected, pairs, variances)
        index, place = divmod(int(costs.argmin()), len(variances))
        pair, variance = pairs[index], float(variances[place])
        if not is_last:  # then in finer steps around the best
            pairs = list(product(*map(_near, pair)))
            variances = variance + torch.linspace(-0.3, 0.3, 21)
    strong = (models[index] > _STRONG * models[index].amax()) & known
    agrees = weights * (above[index, place].abs() < 2 * _SPREAD)
    vertical, horizontal = (_BLURS[width] for width in pair)
    confidence = float(agrees[strong].sum() / strong.sum())
    return BlurredNoise(math.exp(variance / 2), (vertical, horizontal), confidence)


def _possible_variances(power: Tensor) -> Tensor:
    """The variances near those of the measured frequencies; all are logarithms."""
    low, high = power.clamp(_VARIANCES[0], _VARIANCES[-1]).aminmax()
    return _VARIANCES[(low - _MARGIN).le(_VARIANCES) & (high + _MARGIN).ge(_VARIANCES)]


def _near(width: int) -> range:
    """Indices of blurs around one."""
    return range(max(width - 2, 0), min(width + 3, len(_BLURS)))


def _above(power: Tensor, models: Tensor, variances: Tensor, floor: Tensor) -> Tensor:
    """How far the measured logarithms lie above each model and variance."""
    return power - (models[:, None] * variances.exp()[:, None, None] + floor).log()


def _costs(above: Tensor, weights: Tensor, spread: float) -> Tensor:
    """The cost of each model and variance: limited where there is more power than in the model."""
    square = (above / spread).square() / 2
    texture = _MOST_COST * (1 - (-square / _MOST_COST).exp())
    missing = torch.where(square < 2, square, 2 * above.abs() / spread - 2)
    return (torch.where(above > 0, texture, missing) * weights).sum((-1, -2))


def _apart(
    expected: BlurredNoise | None, pairs: Sequence[tuple[int, ...]], variances: Tensor
) -> Tensor:
    """The cost of each pair of blurs and variance of luma, by its distance from those of chroma."""
    if expected is None or not expected.level:
        return torch.zeros(())
    floor = _BLURS[1]
    widths = torch.tensor([max(width, floor) for width in _BLURS]).log()
    lengths = torch.stack([widths[list(pair)].mean() for pair in pairs])
    blur = ((lengths - math.log(max(expected.length, floor))) / _BLUR_APART).square()[:, None]
    level = ((variances / 2 - math.log(expected.level)) / _LEVEL_APART).square()
    return _AGREEMENT * expected.confidence * ((blur + level) / 2).clamp_max(_MOST_APART)


def _measured_frequencies() -> Tensor:
    return order_of_coefficients(torch.device("cpu")) >= 5


@cache
def _model(vertical: int, horizontal: int) -> Tensor:
    """Power of noise of unit variance at each scale and measured frequency, (scales, n)."""
    return _axes_model(_BLURS[vertical], _BLURS[horizontal])


def _axes_model(vertical: float, horizontal: float) -> Tensor:
    down, across = (_axis_power(blur) for blur in (vertical, horizontal))
    power = (down[:, :, None] * across[:, None, :]).flatten(1)
    return power[:, _measured_frequencies()].clamp_min(1e-9)


@cache
def _axis_power(blur: float) -> Tensor:
    """Variance of the eight DCT coefficients along an axis at each scale, (scales, 8)."""
    index = np.arange(SIDE)
    basis = np.cos(math.pi * (2 * index + 1) * index[:, None] / (2 * SIDE)) / 2
    basis[0] /= math.sqrt(2)
    rows = []
    for scale in SCALES:
        covariance = _averaged_covariance(blur, scale)
        lags = np.abs(index[:, None] - index)
        rows.append(((basis @ covariance[lags]) * basis).sum(1))
    return torch.from_numpy(np.array(rows)).float()


@cache
def _averaged_variances(blur: float) -> Sequence[float]:
    return [float(_averaged_covariance(blur, scale)[0]) for scale in SCALES]


def _averaged_covariance(blur: float, scale: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Autocovariance along an axis at lags 0 to 7 after averaging, for unit variance before."""
    radius = math.ceil(5 * blur)
    kernel = np.exp(-((np.arange(-radius, radius + 1) / max(blur, 1e-9)) ** 2) / 2)
    kernel /= np.sqrt((kernel**2).sum())
    kernel = np.convolve(kernel, np.full(scale, 1 / scale))
    covariance = np.convolve(kernel, kernel[::-1])[len(kernel) - 1 :]
    lags = scale * np.arange(SIDE)
    padded = np.pad(covariance, (0, max(0, lags[-1] + 1 - len(covariance))))
    return padded[lags]
