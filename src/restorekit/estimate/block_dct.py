"""Noise level from the flattest blocks' discrete cosine transform.

In a block without structure every coefficient holds noise alone. Blocks are chosen by their low
frequencies and measured by their high ones, so that choosing the calmest of them does not make
white noise look weaker than it is.

N. Ponomarenko, V. Lukin, M. Zriakhov, A. Kaarna and J. Astola, An automatic approach to lossy
compression of AVIRIS images, IGARSS 2007; M. Colom and A. Buades, Analysis and extension of the
Ponomarenko et al. method, IPOL 2013, https://doi.org/10.5201/ipol.2013.45. Ours are the
correction for clipping, the choice among levels of brightness, the case of correlated noise, and
what the differences of colours tell.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restorekit.errors import ArgumentError, InputError
from restorekit.mirroring import continued

_SIDE = 8
# Texture makes the middle frequencies of a block stronger than its high ones, noise that is
# correlated between neighbours does too, white noise does not. The ratio of the two (as standard
# deviations) above which noise counts as correlated: from none of it to all of it.
_CORRELATED = (1.35, 1.70)
# A level of brightness is believed while its ratio is within this factor of the lowest one.
_AGREES_WHITE, _AGREES_CORRELATED = 1.1, 1.3
# A block with more saturated pixels than this is used only where there are no others.
_SATURATED = 0.1
_LEAST_BLOCKS = 40
# The ratio up to which noise counts as white in the difference of two colours, where hardly any
# texture is; photographs with white noise have at most 1.03 there, cameras' JPEGs 1.4 and more.
_WHITE = 1.1
# The variance that the differences find, relative to that of the colours themselves, from which
# noise counts as independent between colours, and the rest as texture that they share.
_INDEPENDENT = 0.4
# The ratio of a colour from which there is texture to be told from noise; that of white noise is
# less, also of noise that the colours share.
_TEXTURED = 1.05
# A colour with less than this share of the variance of all three cannot be told from two others.
_LEAST_SHARE = 0.2


class BlockDCT(nn.Module):
    """The standard deviation of noise, measured in the flattest 8x8 blocks.

    The blocks are sorted by brightness into up to five levels, the flattest of each are measured,
    and the levels where texture hides the noise are left out. Noise that depends on brightness
    gives its root mean square. Blocks with saturated pixels (at or beyond 0 and 1, where no pixel
    lies outside) are corrected by the variance a clipped normal distribution has, which leaves an
    estimate about a tenth low where a third or more of the pixels are cut off. Where the high
    frequencies are weak beside the middle ones, as in a camera's JPEG, the noise is taken as
    correlated and its low frequencies are extrapolated.

    Texture that fills a photograph passes for weak noise, but colours share it and not their noise.
    Where a spectrum shows texture, and the differences of three colours hold white noise alone and
    enough of it for most to be independent, each colour's level is at most what they tell: the
    variance of the difference of two colours is the sum of theirs. Noise that the colours share is
    then taken for texture.

    Args:
        share: The share of the blocks of a level that is measured, the flattest ones.
        levels: The most levels of brightness that are told apart.
        blocks: About how many blocks are looked at in each channel, evenly spread.

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
        """The noise's standard deviation per channel.

        Args:
            image: (B, C, H, W), floats on the [0, 1] scale; may lie outside it.

        Returns:
            (B, C), on the scale of `image`. Rough below about 32x32 pixels.

        Raises:
            InputError: the image is empty or not (B, C, H, W).
        """
        if image.ndim != 4 or not image.numel():
            raise InputError(f"an image is (B, C, H, W) and not empty, not {tuple(image.shape)}")
        return torch.stack([self._sigmas(planes.float()) for planes in image])

    def _sigmas(self, planes: Tensor) -> Tensor:
        """The standard deviation of each channel of one image (C, H, W)."""
        blocks = [self._blocks(plane) for plane in planes]
        found = [self._levels(*each.usable()) for each in blocks]
        variances = torch.stack(list(map(_variance, found, blocks)))
        ratios = [float(levels[:, 2].min()) if len(levels) else 1.0 for levels in found]
        if len(planes) == 3 and max(ratios) > _TEXTURED and min(ratios) < _CORRELATED[0]:
            variances = torch.minimum(variances, self._of_differences(blocks, variances))
        return variances.sqrt()

    def _of_differences(self, blocks: list[_Blocks], variances: Tensor) -> Tensor:
        """The variances of three channels by their differences; as they are where those do not
        tell."""
        pairs = []
        for one, other in ((0, 1), (1, 2), (2, 0)):
            levels = self._levels(*blocks[one].less(blocks[other]))
            if not len(levels) or levels[:, 2].min() > _WHITE:
                return variances
            pairs.append(_agreement(levels))
        # Of the first and second colour, the second and third, the third and first.
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
        return _Blocks(blocks @ _dct(plane.device).T, varied, low, high)

    def _levels(self, power: Tensor, brightness: Tensor) -> Tensor:
        """What `_measure` says of each level of brightness, (levels, 3); none without blocks."""
        count = min(self.levels, max(1, len(power) // 1500))
        levels = [level for level in brightness.argsort().tensor_split(count) if len(level)]
        return torch.stack([self._measure(power[level]) for level in levels]) if levels else power

    def _measure(self, power: Tensor) -> Tensor:
        """White variance, correlated variance, and middle over high frequencies, of one level."""
        order = _order(power.device)
        count = min(len(power), max(_LEAST_BLOCKS, int(len(power) * self.share)))
        calm = _calmest(power, (order > 0) & (order < 9), count)
        white = calm[order >= 9].median()
        spectrum = _calmest(power, (order > 0) & (order < 5), count)
        high = spectrum[order >= 9].median()
        middle = spectrum[(order >= 5) & (order < 9)].mean()
        # Floor: a tenth of what rounding to 8 bits leaves is nothing.
        ratio = (middle / high.clamp_min(1e-8)).sqrt().clamp_min(1)
        return torch.stack([white, _extrapolated(spectrum), ratio])


class _Blocks(NamedTuple):
    """The blocks of a plane.

    Attributes:
        coefficients: of each one's 8x8 cosines, (N, 64).
        varied: which of them are not constant, (N,).
        low: the share of each one's pixels that are black and may have been cut off, (N,).
        high: the same of white.
    """

    coefficients: Tensor
    varied: Tensor
    low: Tensor
    high: Tensor

    @property
    def are_drawn(self) -> bool:
        """Whether most are constant, as in a drawing or beside a saturated sky."""
        return 2 * int(self.varied.sum()) < len(self.varied)

    def usable(self) -> tuple[Tensor, Tensor]:
        """Squared coefficients (n, 64) and brightness (n,) of those that can tell of noise: that
        are neither constant nor, while there are others, saturated."""
        coefficients, low, high = (x[self.varied] for x in (self.coefficients, self.low, self.high))
        loss = torch.ones_like(low)
        if len(low) and bool((low + high).any()):
            fewest = min(len(low), max(_LEAST_BLOCKS, len(low) // 4))
            limit = (low + high).kthvalue(fewest).values.clamp_min(_SATURATED)
            usable = low + high <= limit
            loss = (clipped_variance(low) * clipped_variance(high))[usable]
            coefficients = coefficients[usable]
        return coefficients.square() / loss[:, None], coefficients[:, 0]

    def less(self, other: _Blocks) -> tuple[Tensor, Tensor]:
        """The same of the difference to another plane, of blocks that are whole in both; none where
        half of all are not."""
        saturated = self.low + self.high + other.low + other.high
        whole = self.varied & other.varied & (saturated == 0)
        if int(whole.sum()) < max(_LEAST_BLOCKS, len(whole) // 2):
            whole = torch.zeros_like(whole)
        one, two = self.coefficients[whole], other.coefficients[whole]
        return (one - two).square(), (one + two)[:, 0]


def clipped_variance(share: Tensor) -> Tensor:
    """The variance a unit normal variable keeps when clipped on one side.

    Args:
        share: How much of it lies beyond the limit, 0 to 0.5; more is taken as 0.5.

    Returns:
        The variance that is left, 1 for none beyond.
    """
    share = share.clamp(1e-9, 0.5)
    limit: Tensor = -torch.special.ndtri(share)
    density = torch.exp(-limit.square() / 2) / math.sqrt(2 * math.pi)
    mean = density - limit * share
    square = (1 - share) - limit * density + limit.square() * share
    return square - mean.square()


def _variance(levels: Tensor, blocks: _Blocks) -> Tensor:
    """The noise's variance in a plane, 0 where there is none to be found."""
    # Between the areas of a drawing there are edges, whose spectrum is not white.
    if not len(levels) or (blocks.are_drawn and levels[:, 2].min() > _CORRELATED[0]):
        return blocks.low.new_zeros(())
    return _agreement(levels)


def _agreement(measured: Tensor) -> Tensor:
    """One variance from (levels, [white, correlated, ratio])."""
    white, correlated, ratio = measured.unbind(1)
    lowest = ratio.min()
    factor = _AGREES_WHITE if lowest < _CORRELATED[0] else _AGREES_CORRELATED
    agrees = ratio <= factor * lowest
    start, end = _CORRELATED
    weight = ((ratio[agrees].median() - start) / (end - start)).clamp(0, 1)
    return torch.lerp(white[agrees].mean(), correlated[agrees].mean(), weight)


def _calmest(power: Tensor, chosen_by: Tensor, count: int) -> Tensor:
    """The mean spectrum of the blocks with the least energy in the frequencies `chosen_by`."""
    energy = power @ chosen_by.to(power.dtype)
    return power[energy.topk(count, largest=False).indices].mean(0)


def _extrapolated(spectrum: Tensor) -> Tensor:
    """The variance of noise whose lowest frequencies are hidden by the picture.

    The logarithm of the spectrum is close to a line over the radial frequency for noise that went
    through an interpolation or a JPEG; the line stands in for what was used to choose the blocks.
    """
    order = _order(spectrum.device)
    known = order >= 5
    index = torch.arange(_SIDE, dtype=spectrum.dtype, device=spectrum.device)
    radius = torch.hypot(index[:, None], index).flatten()
    level = spectrum[known].clamp_min(1e-12).log()
    centred = radius[known] - radius[known].mean()
    slope = ((centred * (level - level.mean())).sum() / centred.square().sum()).clamp_max(0)
    line = (level.mean() + slope * (radius - radius[known].mean())).exp()
    return torch.where(known, spectrum, line).mean()


def _dct(device: torch.device) -> Tensor:
    """The orthonormal DCT-II of 8x8 values, (64, 64), a row for each pair of frequencies."""
    index = torch.arange(_SIDE, device=device, dtype=torch.float32)
    basis = torch.cos(math.pi * (2 * index + 1) * index[:, None] / (2 * _SIDE)) / 2
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis)


def _order(device: torch.device) -> Tensor:
    """Vertical plus horizontal frequency of each coefficient, 0 to 14, (64,)."""
    index = torch.arange(_SIDE, device=device)
    return (index[:, None] + index).flatten()
