"""Evidence of noise in a picture, from the picture and from the residual that a network removed.

An estimate of the level alone takes fine texture for noise. Five observations distinguish them:

- Channels share texture, but not the noise of a sensor. Their differences contain noise without
  texture.
- Noise is present in smooth areas too. The residual in the smoothest areas is noise if these areas
  are smooth after restoring.
- Noise of a demosaiced or compressed picture is correlated between neighbouring pixels. The
  residual is then distributed like noise, without the heavy tails of edges and texture.
- On white paper and black background, noise is clipped. What is left is independent from pixel to
  pixel, and distributed like a part of normal noise.
- A network removes no more than the noise. If it removes more than the estimated level, or a
  residual that is neither white nor clearly correlated, it removes texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from restorekit.estimate.cleanness import CLEAN
from restorekit.restore.safeguard.residual import Residual

LEAST_SIDE = 32  # pixels; smaller pictures have too few blocks
# A residual counts as correlated noise from this correlation of neighbouring pixels on, and up to
# this kurtosis (3 for a normal distribution, 6 to 1000 for the texture of clean photographs).
_CORRELATION, _KURTOSIS = 0.15, 12.0
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
_GRAIN_KURTOSIS, _GRAIN_SMOOTH, _SHARED_SKEW = 6.0, 0.2, 0.3
# White noise in luma: the same without correlation, and with the kurtosis of white noise. Grass in
# a JPEG that has the other properties keeps 0.22.
_SHARED_WHITE_SMOOTH = 0.15
# Colourful texture has the properties of noise that is independent between channels. Its residual
# has heavier tails, even after division by the noise curve: mostly a kurtosis of 12 to 28. Squares
# of texture with more than 10 gain hardly anything from the removal of real noise.
_HEAVY_TAILS = 10.0
# Largest roughness of the smoothest areas after restoring, relative to the residual there. For
# white noise it is per 8-bit level of noise: the stronger the noise, the more may remain, because
# no clean photograph has texture of that strength everywhere. White noise below _LEAST_WHITE is
# not taken as evidence. If that kurtosis is at least _SOME_TAILS, no more may remain than
# _SMOOTH_WITH_TAILS: clean gray squares of fine texture keep 0.49 to 1.1.
_SMOOTH_CORRELATED, _SMOOTH_WHITE = 0.6, 0.13
_SOME_TAILS, _SMOOTH_WITH_TAILS = 5.5, 0.48
_LEAST_WHITE = 2.1 / 255
# A change from _STRONG_CHANGE on is strong. Strong changes are structure if they are at least
# _FEW_STRONG of the pixels, at most _ONE_WAY of them have the other sign, and the correlation of
# neighbours exceeds _CLUSTERED (up to 0.1 for impulses, 0.13 to 0.36 for most letters).
_STRONG_CHANGE, _FEW_STRONG = 0.18, 1e-3
_ONE_WAY, _CLUSTERED = 0.25, 0.12


Kind = Literal["white", "correlated"]


@dataclass(frozen=True)
class Evidence:
    """The noise for which there is evidence.

    Attributes:
        sigma: its standard deviation on the [0, 1] scale; 0 without evidence.
        is_correlated: whether it is correlated between neighbouring pixels.
        variance: variance of the residual in smooth areas of each brightness from 0 to 1, (256,).
        mean_variance: mean of this variance over the picture.
        kurtosis: of the residual: 3 for noise alone, more if it contains edges or texture.
        certain: the kind of noise, if it cannot be texture even in luma, where channels share both.
        is_clipped: whether it is white noise that is clipped, on white paper or black background.
    """

    sigma: float
    is_correlated: bool
    variance: Tensor
    mean_variance: float
    kurtosis: float = 3.0
    certain: Kind | None = None
    is_clipped: bool = False


def measure_evidence(noisy: Tensor, restored: Tensor, sigma: Tensor) -> Evidence:
    """Measure the evidence in a picture, or in pieces of it.

    Args:
        noisy: (B, C, H, W), pieces of one picture, floats on the [0, 1] scale.
        restored: the restored pieces.
        sigma: (C,), the estimated noise level of the picture.
    """
    residual = Residual(noisy, restored)
    overall = float(sigma.square().mean().sqrt())
    is_shared = _is_shared(residual, overall)
    is_correlated = is_shared and residual.correlation > _UNCORRELATED
    is_correlated = is_correlated or _is_correlated(residual, overall)
    is_correlated = is_correlated and not residual.clipped_level
    level = max(
        _level(residual, overall, is_shared, is_correlated),
        min(residual.clipped_level, overall),
    )
    return Evidence(
        level,
        is_correlated,
        residual.curve,
        residual.mean_variance,
        residual.kurtosis,
        _certain(residual, overall),
        residual.clipped_level > 0,
    )


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


def _level(residual: Residual, overall: float, is_shared: bool, is_correlated: bool) -> float:
    """Level of the noise for which there is evidence; 0 for none."""
    removed = min(residual.level, overall)
    may_be_white = removed >= _LEAST_WHITE and _is_uncorrelated(residual, overall)
    has_dark_gaps = removed < _SKEWED_BELOW and residual.skewness < _SKEWED
    smooth_counts = may_be_white and not has_dark_gaps
    is_white = (may_be_white and residual.kurtosis < _NORMAL) or (
        smooth_counts and residual.roughness < _most_rough(residual, removed)
    )
    level = removed if is_correlated or is_white or is_shared else 0.0
    # Texture has similar edges in the differences of channels and in their mean.
    is_usable = residual.correlation < _CORRELATION or is_correlated
    independent = residual.independent if is_usable else 0.0
    if independent > level and residual.normalized_kurtosis < _HEAVY_TAILS:
        level = independent
    if smooth_counts and residual.roughness_of_bands < _most_rough(residual, level):
        # Noise that depends on brightness is weak in dark areas, which are often the smoothest.
        level = max(level, min(residual.mean_variance**0.5, overall))
    # The differences of equal channels have no noise.
    if independent and not is_correlated and not is_shared:
        level = min(level, _SHARED * independent)
    return level


def _most_rough(residual: Residual, level: float) -> float:
    """Largest roughness of smooth areas with which white noise of that level counts."""
    limit = _SMOOTH_WHITE * 255 * level
    return limit if residual.normalized_kurtosis < _SOME_TAILS else min(limit, _SMOOTH_WITH_TAILS)


def _is_uncorrelated(residual: Residual, overall: float) -> bool:
    """Whether it has the correlation and the strength of white noise."""
    return (
        residual.correlation < _UNCORRELATED
        and residual.mean_variance < (_MOST_WHITE * overall) ** 2
    )


def _is_correlated(residual: Residual, overall: float) -> bool:
    """Whether it is noise of a demosaiced picture."""
    return (
        overall >= CLEAN
        and residual.roughness < _SMOOTH_CORRELATED
        and residual.kurtosis < _KURTOSIS
        and residual.correlation > _CORRELATION
        and (
            residual.kurtosis < _NORMAL
            or (
                residual.mean_variance < (_MOST_CORRELATED * overall) ** 2
                and residual.colour > _LEAST_COLOUR
            )
        )
    )


def _is_strong(residual: Residual, overall: float) -> bool:
    """Whether it is strong enough to be distinguished from texture that channels share."""
    return residual.level >= _LEAST_SHARED and overall >= CLEAN


def _is_shared(residual: Residual, overall: float) -> bool:
    """Whether it is noise that channels share after JPEG with half of the resolution of colour."""
    return (
        _is_strong(residual, overall)
        and residual.kurtosis < _SHARED_KURTOSIS
        and residual.roughness < _SHARED_SMOOTH
        and residual.colour < _LEAST_COLOUR
    )


def _certain(residual: Residual, overall: float) -> Kind | None:
    """The kind of noise in luma that cannot be texture: correlated, as film grain, or white."""
    if not (_is_strong(residual, overall) and abs(residual.skewness) < _SHARED_SKEW):
        return None
    if (
        residual.correlation > _CORRELATION
        and residual.kurtosis < _GRAIN_KURTOSIS
        and residual.roughness < _GRAIN_SMOOTH
    ):
        return "correlated"
    if (
        _is_uncorrelated(residual, overall)
        and residual.kurtosis < _NORMAL
        and residual.roughness < _SHARED_WHITE_SMOOTH
    ):
        return "white"
    return None
