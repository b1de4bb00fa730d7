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

import torch
from torch import Tensor, nn

from restorekit.errors import ArgumentError, InputError
from restorekit.estimate.cosine_transform import SIDE, order_of_coefficients
from restorekit.estimate.noisy_blocks import LEAST_BLOCKS, Blocks, UsableBlocks

# Texture and correlated noise are stronger in the middle frequencies of a block than in the high
# ones; white noise is not. Between these two ratios (of standard deviations) the estimate changes
# from the one for white noise to the one for correlated noise.
_CORRELATED = (1.35, 1.70)
# A brightness level is used if its ratio is within this factor of the lowest one. The others
# contain texture.
_AGREES_WHITE, _AGREES_CORRELATED = 1.1, 1.3
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
    no pixel lies outside [0, 1]. If half of the pixels are clipped, the estimate remains 6 to 11 %
    too low, most in small pictures.

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

        def of(plane: Tensor) -> float:
            return _least_ratio(self._levels(Blocks.of(plane.float(), self.blocks).usable()))

        return torch.stack([torch.tensor([of(plane) for plane in planes]) for planes in image])

    def _sigmas(self, planes: Tensor) -> Tensor:
        """The standard deviation of each channel of one image (C, H, W)."""
        blocks = [Blocks.of(plane, self.blocks) for plane in planes]
        found = [self._levels(each.usable()) for each in blocks]
        variances = torch.stack(list(map(_variance, found, blocks)))
        ratios = list(map(_least_ratio, found))
        if len(planes) == 3 and max(ratios) > _TEXTURED and min(ratios) < _CORRELATED[0]:
            variances = torch.minimum(variances, self._of_differences(blocks, variances))
        return variances.sqrt()

    def _of_differences(self, blocks: list[Blocks], variances: Tensor) -> Tensor:
        """The variances of three channels, bounded by their differences if these are usable."""
        pairs = []
        for one, other in ((0, 1), (1, 2), (2, 0)):
            levels = self._levels(blocks[one].difference(blocks[other]))
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

    def _levels(self, blocks: UsableBlocks) -> Tensor:
        """`_measure` of each brightness level, (levels, 3); empty if there are no blocks."""
        power = blocks.power
        count = min(self.levels, max(1, len(power) // 1500))
        levels = [level for level in blocks.brightness.argsort().tensor_split(count) if len(level)]
        measured = [self._measure(power[level], blocks.weight[level]) for level in levels]
        return torch.stack(measured) if levels else power

    def _measure(self, power: Tensor, weight: Tensor) -> Tensor:
        """Variance if white, variance if correlated, and ratio of middle to high frequencies."""
        order = order_of_coefficients(power.device)
        count = min(len(power), max(LEAST_BLOCKS, int(len(power) * self.share)))
        calm = _calmest(power, weight, (order > 0) & (order < 9), count)
        white = calm[order >= 9].median()
        spectrum = _calmest(power, weight, (order > 0) & (order < 5), count)
        high = spectrum[order >= 9].median()
        middle = spectrum[(order >= 5) & (order < 9)].mean()
        # The floor, a tenth of the variance of rounding to 8 bits, avoids a ratio of two zeros.
        ratio = (middle / high.clamp_min(1e-8)).sqrt().clamp_min(1)
        return torch.stack([white, _extrapolated(spectrum), ratio])


def _least_ratio(levels: Tensor) -> float:
    """The smallest ratio of the brightness levels; 1 if there are none."""
    return float(levels[:, 2].min()) if len(levels) else 1.0


def _variance(levels: Tensor, blocks: Blocks) -> Tensor:
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


def _calmest(power: Tensor, weight: Tensor, chosen_by: Tensor, count: int) -> Tensor:
    """Mean spectrum of the `count` blocks with the least energy in the frequencies `chosen_by`.

    For the choice, the energy is multiplied by `weight`, as in `UsableBlocks`.
    """
    energy = weight * (power @ chosen_by.to(power.dtype))
    return power[energy.topk(count, largest=False).indices].mean(0)


def _extrapolated(spectrum: Tensor) -> Tensor:
    """Variance of correlated noise, with its low frequencies extrapolated.

    After interpolation or JPEG compression, the logarithm of the noise spectrum is close to linear
    in the radial frequency. The fitted line replaces the low frequencies, by which the blocks were
    selected.
    """
    order = order_of_coefficients(spectrum.device)
    known = order >= 5  # the frequencies that were not used to select the blocks
    index = torch.arange(SIDE, dtype=spectrum.dtype, device=spectrum.device)
    radius = torch.hypot(index[:, None], index).flatten()
    level = spectrum[known].clamp_min(1e-12).log()
    centred = radius[known] - radius[known].mean()
    slope = ((centred * (level - level.mean())).sum() / centred.square().sum()).clamp_max(0)
    line = (level.mean() + slope * (radius - radius[known].mean())).exp()
    return torch.where(known, spectrum, line).mean()
