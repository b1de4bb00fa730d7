"""How much noise a picture surely has, judged from the picture and from what a network removed.

A level estimate alone takes fine texture for noise. Three observations tell them apart:

- Channels share texture, but not the noise of a sensor: the differences of the colours hold noise
  without texture.
- Noise is everywhere, also where the picture is smooth: what was removed from the smoothest areas
  is noise if these areas are smooth without it.
- Noise of a demosaiced or compressed picture is correlated between neighbours, and what was
  removed is then distributed like noise, without the heavy tails of edges and texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.restore.noise_estimation import CLEAN, estimate_sigma

LEAST_SIDE = 32  # pixels; smaller pictures have too few blocks to judge
_LEVELS = 256  # of brightness, in the table of the noise curve
_SIDE = 16  # of the blocks in which residuals are measured
_FEW_BLOCKS = 64
_SMOOTHEST = 0.1  # of the blocks
_DARK, _BRIGHT = 8 / 255, 247 / 255  # beyond which noise may have been cut off
_BANDS = 5  # of brightness, for the noise curve
_SMOOTH_IN_BAND = 0.2
# A removed signal counts as correlated noise from this correlation of neighbours, and up to this
# kurtosis (3 for a normal distribution; 6 to 1000 for the texture of clean photographs).
_CORRELATION, _KURTOSIS = 0.15, 12.0
# Roughness of the smoothest areas after restoring, relative to what was removed from them. White
# noise may leave more the stronger it is: no clean photograph has texture of that strength
# everywhere. This is per 8-bit level of noise; weaker noise than the last is no evidence.
_SMOOTH_CORRELATED, _SMOOTH_WHITE = 0.6, 0.13
_LEAST_WHITE = 2.1 / 255
# From which change and share of the pixels on changes are strong and some; the most that may go the
# other way; and the least correlation of neighbours, which is up to 0.1 of impulses in a
# photograph, and 0.13 to 0.36 of most letters.
_STRONG_CHANGE, _FEW_STRONG = 0.18, 1e-3
_ONE_WAY, _CLUSTERED = 0.25, 0.12


@dataclass(frozen=True)
class Evidence:
    """The noise that a picture surely has.

    Attributes:
        sigma: its standard deviation on the [0, 1] scale, 0 where there is no evidence.
        is_correlated: whether neighbouring pixels share it.
        variance: (256,), the variance of what was removed from smooth areas of each brightness
            from 0 to 1.
        mean_variance: its mean over the picture.
    """

    sigma: float
    is_correlated: bool
    variance: Tensor
    mean_variance: float


def measure_evidence(noisy: Tensor, restored: Tensor, sigma: Tensor) -> Evidence:
    """The evidence in a picture, or in a sample of it.

    Args:
        noisy: (B, C, H, W), pieces of one picture, floats on the [0, 1] scale.
        restored: the same restored.
        sigma: (C,), the estimated noise level of the picture.
    """
    residual = noisy - restored
    power, roughness, brightness = _blocks(residual, restored)
    inside = (brightness > _DARK) & (brightness < _BRIGHT)
    if int(inside.sum()) >= _FEW_BLOCKS // 2:
        power, roughness, brightness = power[inside], roughness[inside], brightness[inside]
    smooth = roughness.argsort()[: max(3, int(_SMOOTHEST * len(roughness)))]
    removed = float(power[smooth].mean().sqrt())
    relative = _relative(roughness[smooth], power[smooth])
    overall = float(sigma.square().mean().sqrt())
    correlated = (
        overall >= CLEAN
        and relative < _SMOOTH_CORRELATED
        and _is_noise_of_neighbours(residual.mean(1))
    )
    level = min(removed, overall)
    white = level >= _LEAST_WHITE and relative < _SMOOTH_WHITE * 255 * level
    level = level if correlated or white else 0.0
    level = max(level, _independent(noisy))
    bands = _bands(power, roughness, brightness)
    curve, mean = _interpolated(bands[0], bands[1]), float(bands[1].mean())
    if level >= _LEAST_WHITE and _relative(bands[2], bands[1]) < _SMOOTH_WHITE * 255 * level:
        # Noise that depends on brightness is weak where it is dark.
        level = max(level, min(mean**0.5, overall))
    return Evidence(level, correlated, curve, mean)


def removes_structure(noisy: Tensor, restored: Tensor) -> bool:
    """Whether what a network changed strongly is structure, such as letters taken for impulses.

    Strong changes by noise are independent of each other, or go both ways equally often. Those of
    letters that are erased lie beside each other, and most go one way.
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
    """The level of the noise that three channels do not share, by the differences of them."""
    if noisy.shape[1] != 3:
        return 0.0
    differences = (noisy[:, [0, 2]] - noisy[:, 1:2]) / 2**0.5 + 0.5
    # Beside each other, pieces make one picture.
    sigma = estimate_sigma(torch.cat(tuple(differences), -1)[None])
    return float(sigma.square().mean().sqrt())


def _blocks(residual: Tensor, restored: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean power of the residual, and roughness and brightness of what is left, of each block."""
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


def _is_noise_of_neighbours(residual: Tensor) -> bool:
    power = residual.square().mean().clamp_min(1e-12)
    below = (residual[:, 1:] * residual[:, :-1]).mean()
    beside = (residual[..., 1:] * residual[..., :-1]).mean()
    kurtosis = residual.pow(4).mean() / power.square()
    return bool((below + beside) / 2 > _CORRELATION * power and kurtosis < _KURTOSIS)


def _relative(roughness: Tensor, power: Tensor) -> float:
    """What is left of texture in blocks, relative to what was removed from them."""
    return float((roughness.mean() / power.mean().clamp_min(1e-12)).sqrt())


def _bands(power: Tensor, roughness: Tensor, brightness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bands of brightness with equally many blocks each: the mean brightness, and the power of the
    residual and the roughness in the smoothest blocks."""
    bands = brightness.argsort().tensor_split(min(_BANDS, max(1, len(brightness) // 15)))
    centres, levels, left = [], [], []
    for band in bands:
        smooth = band[roughness[band].argsort()[: max(3, int(_SMOOTH_IN_BAND * len(band)))]]
        centres.append(brightness[band].mean())
        levels.append(power[smooth].mean())
        left.append(roughness[smooth].mean())
    return torch.stack(centres), torch.stack(levels), torch.stack(left)


def _interpolated(places: Tensor, values: Tensor) -> Tensor:
    """Values at 256 even places from 0 to 1; beyond the first and the last one, constant."""
    wanted = torch.linspace(0, 1, _LEVELS, dtype=places.dtype, device=places.device)
    if len(places) == 1:
        return values.expand(_LEVELS)
    after = torch.searchsorted(places, wanted).clamp(1, len(places) - 1)
    start, end = places[after - 1], places[after]
    share = ((wanted - start) / (end - start).clamp_min(1e-9)).clamp(0, 1)
    return values[after - 1].lerp(values[after], share)
