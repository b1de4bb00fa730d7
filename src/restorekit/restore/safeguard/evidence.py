"""Evidence of noise in a picture, from the picture and from the residual that a network removed.

An estimate of the level alone takes fine texture for noise. Four observations distinguish them:

- Channels share texture, but not the noise of a sensor. Their differences contain noise without
  texture.
- Noise is present in smooth areas too. The residual in the smoothest areas is noise if these areas
  are smooth after restoring.
- Noise of a demosaiced or compressed picture is correlated between neighbouring pixels. The
  residual is then distributed like noise, without the heavy tails of edges and texture.
- A network removes no more than the noise. If it removes more than the estimated level, or a
  residual that is neither white nor clearly correlated, it removes texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.estimate.block_dct import BlockDCT
from restorekit.estimate.cleanness import CLEAN
from restorekit.restore.noise_estimation import estimate_sigma

LEAST_SIDE = 32  # pixels; smaller pictures have too few blocks
_LEVELS = 256  # brightness levels in the table of the noise curve
_SIDE = 16  # side of the blocks in which residuals are measured
_FEW_BLOCKS = 64
_SMOOTHEST = 0.1  # share of the blocks
_DARK, _BRIGHT = 8 / 255, 247 / 255  # outside these, noise may have been clipped
_BANDS = 5  # brightness bands of the noise curve
_SMOOTH_IN_BAND = 0.2
# A residual counts as correlated noise from this correlation of neighbouring pixels on, and up to
# this kurtosis (3 for a normal distribution, 6 to 1000 for the texture of clean photographs).
_CORRELATION, _KURTOSIS = 0.15, 12.0
# Largest ratio of middle to high frequencies in the differences of channels with white noise. A
# larger one is that of texture or of correlated noise, whose level is overestimated: it is divided
# by that power of the excess. Coloured texture of clean photographs measures 1.5 to 2.4.
_WHITE_RATIO, _EXCESS_POWER = 1.1, 6
# A residual of at most this correlation of neighbours and this kurtosis is white noise, whatever
# detail the picture has. The residual of fine texture has heavier tails (4 to 50), because texture
# differs from place to place. Between the correlations of white and of correlated noise, neither
# is certain: lawns measure 0.1.
_UNCORRELATED, _NORMAL = 0.04, 3.6
# Power of the colour of correlated noise, relative to that of its mean over the channels: at least
# 0.5 for the noise of cameras, 0.2 for a crowd. A residual with less colour that does not have the
# kurtosis of noise is texture, which channels share.
_LEAST_COLOUR = 0.3
# A network that removes more than this factor of the estimated level removes texture: at most 1.06
# for white noise and 1.5 for the noise of cameras, 1.4 for lawns, 2.0 to 2.2 for crowds. The level
# of coarse noise can be underestimated more, but then the residual has the kurtosis of noise.
_MOST_WHITE, _MOST_CORRELATED = 1.2, 1.8
# Noise is symmetric, or has a longer tail towards white, as photons have. Below this level, smooth
# areas do not count if the skewness of the residual is lower: -0.4 to -1.1 for sand, whose
# grains have dark gaps, and at least -0.25 for noise.
_SKEWED_BELOW, _SKEWED = 6 / 255, -0.3
# White noise of a colour picture is at most this factor stronger than that of the differences of
# its channels. Texture such as sand looks like noise, but channels share it.
_SHARED = 1.1
# JPEG with half of the resolution of colour leaves noise that channels share, like texture. It is
# recognised by the residual, which has light tails and no colour, and by areas that are smooth
# after restoring: among 309 clean squares of fine texture with a residual of that strength, the
# smoothest has 0.44.
_LEAST_SHARED, _SHARED_KURTOSIS, _SHARED_SMOOTH = 3 / 255, 5.0, 0.25
# Film grain in luma: light tails, too, correlated, symmetric, and absent from smooth areas after
# restoring. Clean squares of fine texture with the other properties keep half of it there. The
# strength of grain varies with brightness, which makes tails a little heavier.
_GRAIN_KURTOSIS, _GRAIN_SMOOTH, _GRAIN_SKEW = 6.0, 0.2, 0.3
# The same for grain without correlation, which is white noise in luma. The tails of clean squares
# without correlation are heavier (a kurtosis of 4.4 and more).
_WHITE_GRAIN_SMOOTH = 0.15
# Colourful texture has the properties of noise that is independent between channels. Its residual
# has heavier tails, even after division by the noise curve: a kurtosis of 12 to 28, and at most 10
# for noise that is worth removing. Where the curve is below this share of its mean, it is not used.
_HEAVY_TAILS, _LEAST_OF_CURVE = 10.0, 0.25
# Largest roughness of the smoothest areas after restoring, relative to the residual there. For
# white noise it is per 8-bit level of noise: the stronger the noise, the more may remain, because
# no clean photograph has texture of that strength everywhere. White noise below _LEAST_WHITE is
# not taken as evidence.
_SMOOTH_CORRELATED, _SMOOTH_WHITE = 0.6, 0.13
_LEAST_WHITE = 2.1 / 255
# A change from _STRONG_CHANGE on is strong. Strong changes are structure if they are at least
# _FEW_STRONG of the pixels, at most _ONE_WAY of them have the other sign, and the correlation of
# neighbours exceeds _CLUSTERED (up to 0.1 for impulses, 0.13 to 0.36 for most letters).
_STRONG_CHANGE, _FEW_STRONG = 0.18, 1e-3
_ONE_WAY, _CLUSTERED = 0.25, 0.12


@dataclass(frozen=True)
class Evidence:
    """The noise for which there is evidence.

    Attributes:
        sigma: its standard deviation on the [0, 1] scale; 0 without evidence.
        is_correlated: whether it is correlated between neighbouring pixels.
        variance: variance of the residual in smooth areas of each brightness from 0 to 1, (256,).
        mean_variance: mean of this variance over the picture.
        kurtosis: of the residual: 3 for noise alone, more if it contains edges or texture.
        is_grain: whether it cannot be texture, even if the channels share it.
    """

    sigma: float
    is_correlated: bool
    variance: Tensor
    mean_variance: float
    kurtosis: float = 3.0
    is_grain: bool = False


def measure_evidence(noisy: Tensor, restored: Tensor, sigma: Tensor) -> Evidence:
    """Measure the evidence in a picture, or in pieces of it.

    Args:
        noisy: (B, C, H, W), pieces of one picture, floats on the [0, 1] scale.
        restored: the restored pieces.
        sigma: (C,), the estimated noise level of the picture.
    """
    residual = noisy - restored
    power, roughness, brightness = _blocks(residual, restored)
    inside = (brightness > _DARK) & (brightness < _BRIGHT)
    # With too few blocks inside, for example in a night sky, clipped ones are better than none.
    if int(inside.sum()) >= _FEW_BLOCKS // 2:
        # Clipped noise is weaker than elsewhere and would be taken for a clean area.
        power, roughness, brightness = power[inside], roughness[inside], brightness[inside]
    smooth = roughness.argsort()[: max(3, int(_SMOOTHEST * len(roughness)))]
    removed = float(power[smooth].mean().sqrt())
    relative = _relative_roughness(roughness[smooth], power[smooth])
    overall = float(sigma.square().mean().sqrt())
    luma = residual.mean(1)
    kurtosis, correlation = _moment(luma, 4), _correlation(luma)
    bands = _bands(power, roughness, brightness)
    curve, mean = _interpolated(bands[0], bands[1]), float(bands[1].mean())
    skewness = _skewness(residual, restored)
    is_strong = removed >= _LEAST_SHARED and overall >= CLEAN
    is_correlated_grain = (
        correlation > _CORRELATION and kurtosis < _GRAIN_KURTOSIS and relative < _GRAIN_SMOOTH
    )
    is_white_grain = (
        correlation < _UNCORRELATED
        and kurtosis < _NORMAL
        and relative < _WHITE_GRAIN_SMOOTH
        and mean < (_MOST_WHITE * overall) ** 2
    )
    is_grain = is_strong and (is_correlated_grain or is_white_grain) and abs(skewness) < _GRAIN_SKEW
    is_shared = (
        is_strong
        and kurtosis < _SHARED_KURTOSIS
        and relative < _SHARED_SMOOTH
        and _colour(noisy, residual) < _LEAST_COLOUR
    )
    correlated = (is_shared and correlation > _UNCORRELATED) or (
        overall >= CLEAN
        and relative < _SMOOTH_CORRELATED
        and kurtosis < _KURTOSIS
        and correlation > _CORRELATION
        and (
            kurtosis < _NORMAL
            or (
                mean < (_MOST_CORRELATED * overall) ** 2
                and _colour(noisy, residual) > _LEAST_COLOUR
            )
        )
    )
    level = min(removed, overall)
    may_be_white = (
        level >= _LEAST_WHITE
        and correlation < _UNCORRELATED
        and mean < (_MOST_WHITE * overall) ** 2
    )
    has_texture = level < _SKEWED_BELOW and skewness < _SKEWED
    limit = 0.0 if has_texture else _SMOOTH_WHITE * 255
    white = may_be_white and (kurtosis < _NORMAL or relative < limit * level)
    level = level if correlated or white or is_shared else 0.0
    # Texture has similar edges in the differences of channels and in their mean.
    independent = _independent(noisy) if correlation < _CORRELATION or correlated else 0.0
    if independent > level and not _has_heavy_tails(residual, restored, curve):
        level = independent
    if may_be_white and _relative_roughness(bands[2], bands[1]) < limit * level:
        # Noise that depends on brightness is weak in dark areas, which are often the smoothest.
        level = max(level, min(mean**0.5, overall))
    # The differences of equal channels have no noise.
    if independent and not correlated and not is_shared:
        level = min(level, _SHARED * independent)
    return Evidence(level, correlated, curve, mean, kurtosis, is_grain)


def removes_structure(noisy: Tensor, restored: Tensor) -> bool:
    """Whether the strong changes of a network remove structure, such as letters taken for impulses.

    Strong changes due to noise are independent of each other, or have both signs equally often.
    Those that erase letters are clustered, and most have the same sign.
    """
    change = (restored - noisy).mean(1)
    strong = change.abs() >= _STRONG_CHANGE
    share = float(strong.double().mean())
    if share < _FEW_STRONG:
        return False
    brighter = float((change[strong] > 0).double().mean())
    if min(brighter, 1 - brighter) > _ONE_WAY:
        return False
    below = (strong[:, 1:] & strong[:, :-1]).double().mean()
    beside = (strong[..., 1:] & strong[..., :-1]).double().mean()
    return float(below + beside) / 2 - share**2 > _CLUSTERED * (share - share**2)


def _independent(noisy: Tensor) -> float:
    """Level of the noise that is independent between three channels, from their differences."""
    if noisy.shape[1] != 3:
        return 0.0
    # The difference of two independent channels has twice the variance; 0.5 is mid-gray.
    differences = (noisy[:, [0, 2]] - noisy[:, 1:2]) / 2**0.5 + 0.5
    # The pieces are joined, because the estimator works on one picture.
    joined = torch.cat(tuple(differences), -1)[None]
    level = float(estimate_sigma(joined).square().mean().sqrt())
    excess = float(BlockDCT().ratios(joined).max()) / _WHITE_RATIO
    return level / max(1.0, excess) ** _EXCESS_POWER


def _blocks(residual: Tensor, restored: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Residual power, and roughness and brightness of the restored picture, in each block."""
    # Large blocks vary less, but a small picture would have too few of them.
    side = _SIDE if residual[:, 0].numel() >= _FEW_BLOCKS * _SIDE**2 else _SIDE // 2
    power = residual.square().mean(1)
    down, across = restored.diff(dim=2).square().mean(1), restored.diff(dim=3).square().mean(1)
    rough = (down[:, :, :-1] + across[:, :-1]) / 4
    found = (_means(power, side), _means(rough, side), _means(restored.mean(1), side))
    rows, columns = found[1].shape[1:]
    return (
        found[0][:, :rows, :columns].flatten(),
        found[1].flatten(),
        found[2][:, :rows, :columns].flatten(),
    )


def _means(values: Tensor, side: int) -> Tensor:
    return torch.nn.functional.avg_pool2d(values, side)


def _correlation(residual: Tensor) -> float:
    """Correlation of neighbouring pixels."""
    power = residual.square().mean().clamp_min(1e-12)
    below = (residual[:, 1:] * residual[:, :-1]).mean()
    beside = (residual[..., 1:] * residual[..., :-1]).mean()
    return float((below + beside) / 2 / power)


def _colour(noisy: Tensor, residual: Tensor) -> float:
    """Power of the colour of a residual relative to that of its mean; infinite for a gray one."""
    if bool((noisy == noisy[:, :1]).all()):
        return math.inf
    luma = residual.mean(1, keepdim=True)
    power = luma.square().mean().clamp_min(1e-12)
    return float((residual - luma).square().mean() / power)


def _moment(residual: Tensor, order: int) -> float:
    """Standardised moment about 0: 3 for the order 4 of a normal distribution."""
    variance = residual.square().mean().clamp_min(1e-12)
    return float(residual.pow(order).mean() / variance ** (order / 2))


def _has_heavy_tails(residual: Tensor, restored: Tensor, curve: Tensor) -> bool:
    """Whether a residual that is divided by the noise curve has heavier tails than noise."""
    places = (restored.mean(1, keepdim=True).clamp(0, 1) * (_LEVELS - 1)).round().long()
    variance = curve[places]
    variance = variance.clamp_min(max(1e-12, _LEAST_OF_CURVE * float(variance.mean())))
    return _moment(residual / variance.sqrt(), 4) > _HEAVY_TAILS


def _skewness(residual: Tensor, restored: Tensor) -> float:
    """Skewness of the residual where noise is not clipped; 0 for a normal distribution."""
    brightness = restored.mean(1)
    inside = residual.mean(1)[(brightness > _DARK) & (brightness < _BRIGHT)]
    return _moment(inside, 3) if len(inside) > brightness.numel() // 4 else 0.0


def _relative_roughness(roughness: Tensor, power: Tensor) -> float:
    """Roughness that remains in blocks, relative to the residual there."""
    return float((roughness.mean() / power.mean().clamp_min(1e-12)).sqrt())


def _bands(power: Tensor, roughness: Tensor, brightness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean brightness, and power and roughness in the smoothest blocks, of each brightness band.

    All bands have the same number of blocks.
    """
    bands = brightness.argsort().tensor_split(min(_BANDS, max(1, len(brightness) // 15)))
    centres, levels, left = [], [], []
    for band in bands:
        smooth = band[roughness[band].argsort()[: max(3, int(_SMOOTH_IN_BAND * len(band)))]]
        centres.append(brightness[band].mean())
        levels.append(power[smooth].mean())
        left.append(roughness[smooth].mean())
    return torch.stack(centres), torch.stack(levels), torch.stack(left)


def _interpolated(places: Tensor, values: Tensor) -> Tensor:
    """Interpolate values at 256 evenly spaced positions from 0 to 1, constant at both ends."""
    wanted = torch.linspace(0, 1, _LEVELS, dtype=places.dtype, device=places.device)
    if len(places) == 1:
        return values.expand(_LEVELS)
    after = torch.searchsorted(places, wanted).clamp(1, len(places) - 1)
    start, end = places[after - 1], places[after]
    share = ((wanted - start) / (end - start).clamp_min(1e-9)).clamp(0, 1)
    return values[after - 1].lerp(values[after], share)
