"""The residual that a network removed from a picture, and the properties that noise has."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

from restorekit.estimate.block_dct import BlockDCT
from restorekit.restore.noise_estimation import estimate_sigma
from restorekit.restore.safeguard.clipped_noise import BRIGHT, DARK, clipped_level

_LEVELS = 256  # brightness levels in the table of the noise curve
_SIDE = 16  # side of the blocks in which residuals are measured
_FEW_BLOCKS = 64
_SMOOTHEST = 0.1  # share of the blocks
_BANDS = 5  # brightness bands of the noise curve
_SMOOTH_IN_BAND = 0.2
# Largest ratio of middle to high frequencies in the differences of channels with white noise. A
# larger one is that of texture or of correlated noise, whose level is overestimated: it is divided
# by that power of the excess. Coloured texture of clean photographs measures 1.5 to 2.4.
_WHITE_RATIO, _EXCESS_POWER = 1.1, 6
_LEAST_OF_CURVE = 0.25  # a noise curve counts as at least this share of its mean over a picture
# Channels with less power than this share of that of the noisiest one do not count.
_LEAST_POWER = 1e-3


class Residual:
    """What a network removed from a picture, or from pieces of it.

    Args:
        noisy: (B, C, H, W), the pieces, floats on the [0, 1] scale.
        restored: the restored pieces.

    Attributes:
        clipped_level: level of white noise of which a part is clipped, before it was; 0 for none.
    """

    def __init__(self, noisy: Tensor, restored: Tensor) -> None:
        self._noisy = noisy
        self._values = noisy - restored
        self._luma = self._values.mean(1)
        self._brightness = restored.mean(1)
        inside = _is_unclipped(self._brightness)
        # Pixels whose noise may have been clipped do not count, unless most are.
        self._inside = inside if int(inside.sum()) > inside.numel() // 4 else None
        self.clipped_level = clipped_level(noisy, restored)
        blocks = _measure_blocks(self._values, restored)
        # Without evidence of noise, blocks where it may be clipped would be taken for clean areas.
        self._blocks = blocks if self.clipped_level else _unclipped(*blocks)

    @cached_property
    def level(self) -> float:
        """Standard deviation in the smoothest areas."""
        power, _, _ = self._blocks
        return float(power[self._smoothest].mean().sqrt())

    @cached_property
    def roughness(self) -> float:
        """Roughness of the smoothest areas after restoring, relative to `level`."""
        power, roughness, _ = self._blocks
        return _relative_roughness(roughness[self._smoothest], power[self._smoothest])

    @cached_property
    def roughness_of_bands(self) -> float:
        """The same for the smoothest areas of each brightness band."""
        _, power, roughness = self._bands
        return _relative_roughness(roughness, power)

    @cached_property
    def curve(self) -> Tensor:
        """Variance in smooth areas of each brightness from 0 to 1, (256,)."""
        places, power, _ = self._bands
        return _interpolated(places, power)

    @cached_property
    def mean_variance(self) -> float:
        """Mean of the variance in smooth areas over the picture."""
        _, power, _ = self._bands
        return float(power.mean())

    @cached_property
    def kurtosis(self) -> float:
        """Kurtosis of the mean over the channels: 3 for a normal distribution."""
        return _moment(self._luma, 4)

    @cached_property
    def normalized_kurtosis(self) -> float:
        """Kurtosis of the channels after division by their noise, which varies with brightness."""
        brightness, values = self._brightness.clamp(0, 1), self._values.movedim(1, 0)
        if self._inside is not None:
            brightness, values = brightness[self._inside], values[:, self._inside]
        variance = self.curve[(brightness * (_LEVELS - 1)).round().long()]
        least = max(1e-12, _LEAST_OF_CURVE * float(variance.mean()))
        values = (values / variance.clamp_min(least).sqrt()).flatten(1)
        # Channels without noise have no tails.
        powers = values.square().mean(1)
        noisy = powers > _LEAST_POWER * powers.max()
        return _moment(values[noisy] / powers[noisy, None].sqrt(), 4)

    @cached_property
    def skewness(self) -> float:
        """Skewness where noise is not clipped; 0 for a normal distribution."""
        return 0.0 if self._inside is None else _moment(self._luma[self._inside], 3)

    @cached_property
    def correlation(self) -> float:
        """Correlation of neighbouring pixels."""
        luma = self._luma
        power = luma.square().mean().clamp_min(1e-12)
        below = (luma[:, 1:] * luma[:, :-1]).mean()
        beside = (luma[..., 1:] * luma[..., :-1]).mean()
        return float((below + beside) / 2 / power)

    @cached_property
    def colour(self) -> float:
        """Power of its colour relative to that of its mean; infinite for a gray picture."""
        if bool((self._noisy == self._noisy[:, :1]).all()):
            return math.inf
        luma = self._luma[:, None]
        power = luma.square().mean().clamp_min(1e-12)
        return float((self._values - luma).square().mean() / power)

    @cached_property
    def independent(self) -> float:
        """Level of the noise that is independent between three channels, from their differences."""
        if self._noisy.shape[1] != 3:
            return 0.0
        # The difference of two independent channels has twice the variance; 0.5 is mid-gray.
        differences = (self._noisy[:, [0, 2]] - self._noisy[:, 1:2]) / 2**0.5 + 0.5
        # The pieces are joined, because the estimator works on one picture.
        joined = torch.cat(tuple(differences), -1)[None]
        level = float(estimate_sigma(joined).square().mean().sqrt())
        excess = float(BlockDCT().ratios(joined).max()) / _WHITE_RATIO
        return level / max(1.0, excess) ** _EXCESS_POWER

    @cached_property
    def _smoothest(self) -> Tensor:
        _, roughness, _ = self._blocks
        return roughness.argsort()[: max(3, int(_SMOOTHEST * len(roughness)))]

    @cached_property
    def _bands(self) -> tuple[Tensor, Tensor, Tensor]:
        return _measure_bands(*self._blocks)


def _measure_blocks(residual: Tensor, restored: Tensor) -> tuple[Tensor, Tensor, Tensor]:
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


def _unclipped(
    power: Tensor, roughness: Tensor, brightness: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Without blocks whose noise may have been clipped."""
    inside = _is_unclipped(brightness)
    # With too few blocks inside, for example in a night sky, clipped ones are better than none.
    if int(inside.sum()) < _FEW_BLOCKS // 2:
        return power, roughness, brightness
    return power[inside], roughness[inside], brightness[inside]


def _is_unclipped(brightness: Tensor) -> Tensor:
    return (brightness > DARK) & (brightness < BRIGHT)


def _means(values: Tensor, side: int) -> Tensor:
    return torch.nn.functional.avg_pool2d(values, side)


def _moment(residual: Tensor, order: int) -> float:
    """Standardised moment about 0: 3 for the order 4 of a normal distribution."""
    variance = residual.square().mean().clamp_min(1e-12)
    return float(residual.pow(order).mean() / variance ** (order / 2))


def _relative_roughness(roughness: Tensor, power: Tensor) -> float:
    """Roughness that remains in blocks, relative to the residual there."""
    return float((roughness.mean() / power.mean().clamp_min(1e-12)).sqrt())


def _measure_bands(
    power: Tensor, roughness: Tensor, brightness: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
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
