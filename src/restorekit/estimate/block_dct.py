"""Noise level from the discrete cosine transform (DCT) of the flattest blocks.

In a block without structure, every coefficient contains noise only. Blocks are selected by their
low frequencies and measured by their high ones. If both used the same frequencies, selecting the
blocks with the least energy would bias the estimate of white noise downwards.

N. Ponomarenko, V. Lukin, M. Zriakhov, A. Kaarna and J. Astola, An automatic approach to lossy
compression of AVIRIS images, IGARSS 2007; M. Colom and A. Buades, Analysis and extension of the
Ponomarenko et al. method, IPOL 2013, https://doi.org/10.5201/ipol.2013.45. This
implementation adds a correction for clipping, the selection of brightness levels, an extrapolation
for correlated noise, and a bound from the differences between colour channels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restorekit.errors import ArgumentError, InputError
from restorekit.mirroring import continued

_SIDE = 8
# Texture and correlated noise are stronger in the middle frequencies of a block than in the high
# ones; white noise is not. Between these two ratios (of standard deviations) the estimate changes
# from the one for white noise to the one for correlated noise.
_CORRELATED = (1.35, 1.70)
# A brightness level is used if its ratio is within this factor of the lowest one. The others
# contain texture.
_AGREES_WHITE, _AGREES_CORRELATED = 1.1, 1.3
# Blocks with a larger share of saturated pixels are used only if there are no others.
_SATURATED = 0.1
_LEAST_BLOCKS = 40
# Largest ratio at which noise in the difference of two channels counts as white. The difference
# contains hardly any texture: photographs with white noise measure at most 1.03, camera JPEGs at
# least 1.4.
_WHITE = 1.1
# If the differences contain at least this share of the variance of the channels, the noise counts
# as independent between channels, and the rest as shared texture.
_INDEPENDENT = 0.4
# Ratio of a channel from which it contains texture. White noise measures less, whether or not the
# channels share it.
_TEXTURED = 1.05
# A channel with a smaller share of the total variance cannot be resolved from the differences.
_LEAST_SHARE = 0.2


class BlockDCT(nn.Module):
    """Standard deviation of the noise, measured in the flattest 8x8 blocks.

    Blocks are grouped by brightness into up to five levels. The flattest blocks of each level are
    measured, and levels where texture hides the noise are excluded. For noise that depends on
    brightness, the result is the root mean square over the levels.

    Blocks with saturated pixels are corrected by the variance of a clipped normal distribution, if
    no pixel lies outside [0, 1]. If a third or more of the pixels are clipped, the estimate remains
    about 10 % too low.

    If the high frequencies are weaker than the middle ones, as in a camera JPEG, the noise is
    treated as correlated and its low frequencies are extrapolated.

    Texture that fills a photograph looks like weak noise, but the channels share texture, while
    sensor noise is independent. If a spectrum shows texture and the differences of the three
    channels contain white noise that is mostly independent, these differences bound the level of
    each channel: the variance of a difference is the sum of the variances of its two channels.
    Noise that the channels share then counts as texture.

    Args:
        share: Share of the blocks of a level, the flattest ones, that are measured.
        levels: Largest number of brightness levels.
        blocks: Approximate number of blocks in each channel, evenly spread.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> noisy = torch.full((1, 3, 64, 64), 0.5) + 0.1 * torch.randn(1, 3, 64, 64)
        >>> sigma = restorekit.create_estimator("block_dct")(noisy)
        >>> sigma.shape, bool(((sigma - 0.1).abs() < 0.02).all())
        (torch.Size([1, 3]), True)
    """

    def __init__(self, share: float = 0.01, levels: int = 5, blocks: int = 65536) -> None:
        super().__init__()
        if not 0 < share <= 1:
            raise ArgumentError(f"share must be in (0, 1], not {share}")
        if levels < 1 or blocks < 1:
            raise ArgumentError("levels and blocks must be at least 1")
        self.share, self.levels, self.blocks = share, levels, blocks

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Estimate the standard deviation of the noise in each channel.

        Args:
            image: (B, C, H, W), floats on the [0, 1] scale; values may lie outside it.

        Returns:
            (B, C), on the scale of `image`. Imprecise below about 32x32 pixels.

        Raises:
            InputError: the image is empty or not (B, C, H, W).
        """
        if image.ndim != 4 or not image.numel():
            raise InputError(f"an image is (B, C, H, W) and not empty, not {tuple(image.shape)}")
        return torch.stack([self._sigmas(planes.float()) for planes in image])

    @torch.no_grad()
    def ratios(self, image: Tensor) -> Tensor:
        """The ratio of the noise in middle and high frequencies of each channel.

        Args:
            image: (B, C, H, W), as for `forward`.

        Returns:
            (B, C): ratios of standard deviations, about 1 for white noise and without noise, and
            larger for correlated noise and for texture.
        """
        return torch.stack(
            [
                torch.tensor([_least_ratio(self._levels(*each.usable())) for each in blocks])
                for blocks in ([self._blocks(plane.float()) for plane in one] for one in image)
            ]
        )

    def _sigmas(self, planes: Tensor) -> Tensor:
        """The standard deviation of each channel of one image (C, H, W)."""
        blocks = [self._blocks(plane) for plane in planes]
        found = [self._levels(*each.usable()) for each in blocks]
        variances = torch.stack(list(map(_variance, found, blocks)))
        ratios = list(map(_least_ratio, found))
        if len(planes) == 3 and max(ratios) > _TEXTURED and min(ratios) < _CORRELATED[0]:
            variances = torch.minimum(variances, self._of_differences(blocks, variances))
        return variances.sqrt()

    def _of_differences(self, blocks: list[_Blocks], variances: Tensor) -> Tensor:
        """The variances of three channels, bounded by their differences if these are usable."""
        pairs = []
        for one, other in ((0, 1), (1, 2), (2, 0)):
            levels = self._levels(*blocks[one].difference(blocks[other]))
            if not len(levels) or levels[:, 2].min() > _WHITE:
                return variances
            pairs.append(_combined_variance(levels))
        # Each pair has the sum of two variances, so the three pairs contain every channel twice.
        first, second, third = torch.stack(pairs)
        independent = (first + second + third) / 2
        if independent < _INDEPENDENT * variances.sum():
            return variances
        rest = independent - torch.stack([second, third, first])
        return torch.where(rest > _LEAST_SHARE * independent, rest, variances)

    def _blocks(self, plane: Tensor) -> _Blocks:
        plane = continued(continued(plane, 0, _SIDE), 1, _SIDE)
        positions = math.prod(side - _SIDE + 1 for side in plane.shape)
        step = max(1, math.ceil(math.sqrt(positions / self.blocks)))
        blocks = plane.unfold(0, _SIDE, step).unfold(1, _SIDE, step).reshape(-1, _SIDE**2)
        varied = blocks.amax(1) > blocks.amin(1)
        low = high = torch.zeros(len(blocks), device=plane.device)
        lowest, highest = plane.aminmax()
        if lowest >= 0 and highest <= 1 and (lowest == 0 or highest == 1):
            low = (blocks <= 0).float().mean(1)
            high = (blocks >= 1).float().mean(1)
        return _Blocks(dct_of_blocks(blocks), varied, low, high)

    def _levels(self, power: Tensor, brightness: Tensor) -> Tensor:
        """`_measure` of each brightness level, (levels, 3); empty if there are no blocks."""
        count = min(self.levels, max(1, len(power) // 1500))
        levels = [level for level in brightness.argsort().tensor_split(count) if len(level)]
        return torch.stack([self._measure(power[level]) for level in levels]) if levels else power

    def _measure(self, power: Tensor) -> Tensor:
        """Variance if white, variance if correlated, and ratio of middle to high frequencies."""
        order = order_of_coefficients(power.device)
        count = min(len(power), max(_LEAST_BLOCKS, int(len(power) * self.share)))
        calm = _calmest(power, (order > 0) & (order < 9), count)
        white = calm[order >= 9].median()
        spectrum = _calmest(power, (order > 0) & (order < 5), count)
        high = spectrum[order >= 9].median()
        middle = spectrum[(order >= 5) & (order < 9)].mean()
        # The floor, a tenth of the variance of rounding to 8 bits, avoids a ratio of two zeros.
        ratio = (middle / high.clamp_min(1e-8)).sqrt().clamp_min(1)
        return torch.stack([white, _extrapolated(spectrum), ratio])


class _Blocks(NamedTuple):
    """The blocks of one channel.

    Attributes:
        coefficients: DCT coefficients of each block, (N, 64).
        varied: whether each block is not constant, (N,).
        low: share of the pixels of each block that are 0 and may have been clipped, (N,).
        high: share of the pixels of each block that are 1 and may have been clipped, (N,).
    """

    coefficients: Tensor
    varied: Tensor
    low: Tensor
    high: Tensor

    @property
    def are_drawn(self) -> bool:
        """Whether most blocks are constant, for example in a drawing or a saturated sky."""
        return 2 * int(self.varied.sum()) < len(self.varied)

    def usable(self) -> tuple[Tensor, Tensor]:
        """Squared coefficients (n, 64) and brightness (n,) of the blocks to measure.

        Constant blocks are excluded, and saturated ones if there are enough others.
        """
        coefficients, low, high = (x[self.varied] for x in (self.coefficients, self.low, self.high))
        kept_variance = torch.ones_like(low)
        if len(low) and bool((low + high).any()):
            fewest = min(len(low), max(_LEAST_BLOCKS, len(low) // 4))
            limit = (low + high).kthvalue(fewest).values.clamp_min(_SATURATED)
            usable = low + high <= limit
            kept_variance = (clipped_variance(low) * clipped_variance(high))[usable]
            coefficients = coefficients[usable]
        return coefficients.square() / kept_variance[:, None], coefficients[:, 0]

    def difference(self, other: _Blocks) -> tuple[Tensor, Tensor]:
        """Like `usable`, for the difference to another channel.

        Only blocks that are usable and not saturated in both channels count. The result is empty if
        these are less than half of all.
        """
        saturated = self.low + self.high + other.low + other.high
        clean = self.varied & other.varied & (saturated == 0)
        if int(clean.sum()) < max(_LEAST_BLOCKS, len(clean) // 2):
            clean = torch.zeros_like(clean)
        one, two = self.coefficients[clean], other.coefficients[clean]
        return (one - two).square(), (one + two)[:, 0]


def clipped_variance(share: Tensor) -> Tensor:
    """Variance of a standard normal variable that is clipped on one side.

    Args:
        share: Probability of lying beyond the limit; values above 0.5 count as 0.5.

    Returns:
        The variance after clipping; 1 for a share of 0.
    """
    share = share.clamp(1e-9, 0.5)
    limit: Tensor = -torch.special.ndtri(share)
    density = torch.exp(-limit.square() / 2) / math.sqrt(2 * math.pi)
    mean = density - limit * share
    square = (1 - share) - limit * density + limit.square() * share
    return square - mean.square()


def _least_ratio(levels: Tensor) -> float:
    """The smallest ratio of the brightness levels; 1 if there are none."""
    return float(levels[:, 2].min()) if len(levels) else 1.0


def _variance(levels: Tensor, blocks: _Blocks) -> Tensor:
    """The variance of the noise in a channel; 0 if none can be measured."""
    # Blocks of a drawing that are not constant contain edges, whose spectrum is not white.
    if not len(levels) or (blocks.are_drawn and levels[:, 2].min() > _CORRELATED[0]):
        return blocks.low.new_zeros(())
    return _combined_variance(levels)


def _combined_variance(measured: Tensor) -> Tensor:
    """Combine the measurements of all levels, (levels, [white, correlated, ratio])."""
    white, correlated, ratio = measured.unbind(1)
    lowest = ratio.min()
    factor = _AGREES_WHITE if lowest < _CORRELATED[0] else _AGREES_CORRELATED
    agrees = ratio <= factor * lowest
    start, end = _CORRELATED
    weight = ((ratio[agrees].median() - start) / (end - start)).clamp(0, 1)
    return torch.lerp(white[agrees].mean(), correlated[agrees].mean(), weight)


def _calmest(power: Tensor, chosen_by: Tensor, count: int) -> Tensor:
    """Mean spectrum of the `count` blocks with the least energy in the frequencies `chosen_by`."""
    energy = power @ chosen_by.to(power.dtype)
    return power[energy.topk(count, largest=False).indices].mean(0)


def _extrapolated(spectrum: Tensor) -> Tensor:
    """Variance of correlated noise, with its low frequencies extrapolated.

    After interpolation or JPEG compression, the logarithm of the noise spectrum is close to linear
    in the radial frequency. The fitted line replaces the low frequencies, by which the blocks were
    selected.
    """
    order = order_of_coefficients(spectrum.device)
    known = order >= 5  # the frequencies that were not used to select the blocks
    index = torch.arange(_SIDE, dtype=spectrum.dtype, device=spectrum.device)
    radius = torch.hypot(index[:, None], index).flatten()
    level = spectrum[known].clamp_min(1e-12).log()
    centred = radius[known] - radius[known].mean()
    slope = ((centred * (level - level.mean())).sum() / centred.square().sum()).clamp_max(0)
    line = (level.mean() + slope * (radius - radius[known].mean())).exp()
    return torch.where(known, spectrum, line).mean()


def dct_of_blocks(blocks: Tensor) -> Tensor:
    """Coefficients of the orthonormal DCT-II of 8x8 blocks, (n, 64), row by row."""
    return blocks @ dct_basis(blocks.device).T


def dct_basis(device: torch.device) -> Tensor:
    """Orthonormal DCT-II of 8x8 blocks, (64, 64), one row for each pair of frequencies."""
    index = torch.arange(_SIDE, device=device, dtype=torch.float32)
    basis = torch.cos(math.pi * (2 * index + 1) * index[:, None] / (2 * _SIDE)) / 2
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis)


def order_of_coefficients(device: torch.device) -> Tensor:
    """Sum of the vertical and the horizontal frequency of each coefficient, 0 to 14, (64,)."""
    index = torch.arange(_SIDE, device=device)
    return (index[:, None] + index).flatten()
