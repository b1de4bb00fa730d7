"""Noise level from the flattest blocks' discrete cosine transform.

In a block without structure every coefficient holds noise alone. Blocks are chosen by their low
frequencies and measured by their high ones, so that choosing the calmest of them does not make
white noise look weaker than it is.

N. Ponomarenko, V. Lukin, M. Zriakhov, A. Kaarna and J. Astola, An automatic approach to lossy
compression of AVIRIS images, IGARSS 2007; M. Colom and A. Buades, Analysis and extension of the
Ponomarenko et al. method, IPOL 2013, https://doi.org/10.5201/ipol.2013.45. Ours are the
correction for clipping, the choice among levels of brightness, and the case of correlated noise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from restorekit.errors import ArgumentError, InputError

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


class BlockDCT(nn.Module):
    """The standard deviation of noise, measured in the flattest 8x8 blocks.

    The blocks are sorted by brightness into up to five levels, the flattest of each are measured,
    and the levels where texture hides the noise are left out. Noise that depends on brightness
    gives its root mean square. Blocks with saturated pixels (at or beyond 0 and 1, where no pixel
    lies outside) are corrected by the variance a clipped normal distribution has, which leaves an
    estimate about a tenth low where a third or more of the pixels are cut off. Where the high
    frequencies are weak beside the middle ones, as in a camera's JPEG, the noise is taken as
    correlated and its low frequencies are extrapolated.

    Args:
        share: The share of the blocks of a level that is measured, the flattest ones.
        levels: The most levels of brightness that are told apart.
        blocks: About how many blocks are looked at in each channel, evenly spread.

    Raises:
        ArgumentError: an argument is out of range.
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
        planes = image.flatten(0, 1)
        return torch.stack([self._sigma(plane.float()) for plane in planes]).view(image.shape[:2])

    def _sigma(self, plane: Tensor) -> Tensor:
        power, brightness, drawn = self._spectra(plane)
        levels = min(self.levels, max(1, len(power) // 1500))
        measured = [
            self._measure(power[level])
            for level in brightness.argsort().tensor_split(levels)
            if len(level)
        ]
        if not measured:
            return plane.new_zeros(())
        levels_measured = torch.stack(measured)
        # Between the areas of a drawing there are edges, whose spectrum is not white.
        if drawn and levels_measured[:, 2].min() > _CORRELATED[0]:
            return plane.new_zeros(())
        return _agreement(levels_measured)

    def _spectra(self, plane: Tensor) -> tuple[Tensor, Tensor, bool]:
        """What can tell of noise: the blocks that are neither constant nor saturated.

        Returns:
            Their squared coefficients (N, 8, 8) and brightness (N,), and whether most blocks of
            the picture are constant, as in a drawing or beside a saturated sky.
        """
        plane = _at_least(_at_least(plane, 0), 1)
        positions = math.prod(side - _SIDE + 1 for side in plane.shape)
        step = max(1, math.ceil(math.sqrt(positions / self.blocks)))
        blocks = plane.unfold(0, _SIDE, step).unfold(1, _SIDE, step).reshape(-1, _SIDE, _SIDE)
        varied = blocks.flatten(1).amax(1) > blocks.flatten(1).amin(1)
        drawn = 2 * int(varied.sum()) < len(blocks)
        blocks = blocks[varied]
        loss = torch.ones(len(blocks), device=plane.device)
        lowest, highest = plane.aminmax()
        if len(blocks) and lowest >= 0 and highest <= 1 and (lowest == 0 or highest == 1):
            low = (blocks <= 0).flatten(1).float().mean(1)
            high = (blocks >= 1).flatten(1).float().mean(1)
            fewest = min(len(blocks), max(_LEAST_BLOCKS, len(blocks) // 4))
            limit = (low + high).kthvalue(fewest).values.clamp_min(_SATURATED)
            usable = low + high <= limit
            blocks = blocks[usable]
            loss = (clipped_variance(low) * clipped_variance(high))[usable]
        basis = _dct(plane.device)
        coefficients = basis @ blocks @ basis.T
        return coefficients.square() / loss[:, None, None], coefficients[:, 0, 0], drawn

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


def _agreement(measured: Tensor) -> Tensor:
    """One standard deviation from (levels, [white, correlated, ratio])."""
    white, correlated, ratio = measured.unbind(1)
    lowest = ratio.min()
    factor = _AGREES_WHITE if lowest < _CORRELATED[0] else _AGREES_CORRELATED
    agrees = ratio <= factor * lowest
    start, end = _CORRELATED
    weight = ((ratio[agrees].median() - start) / (end - start)).clamp(0, 1)
    return torch.lerp(white[agrees].mean(), correlated[agrees].mean(), weight).sqrt()


def _calmest(power: Tensor, chosen_by: Tensor, count: int) -> Tensor:
    """The mean spectrum of the blocks with the least energy in the frequencies `chosen_by`."""
    energy = power[:, chosen_by].sum(1)
    return power[energy.topk(count, largest=False).indices].mean(0)


def _extrapolated(spectrum: Tensor) -> Tensor:
    """The variance of noise whose lowest frequencies are hidden by the picture.

    The logarithm of the spectrum is close to a line over the radial frequency for noise that went
    through an interpolation or a JPEG; the line stands in for what was used to choose the blocks.
    """
    order = _order(spectrum.device)
    known = order >= 5
    index = torch.arange(_SIDE, dtype=spectrum.dtype, device=spectrum.device)
    radius = torch.hypot(index[:, None], index)
    level = spectrum[known].clamp_min(1e-12).log()
    centred = radius[known] - radius[known].mean()
    slope = ((centred * (level - level.mean())).sum() / centred.square().sum()).clamp_max(0)
    line = (level.mean() + slope * (radius - radius[known].mean())).exp()
    return torch.where(known, spectrum, line).mean()


def _dct(device: torch.device) -> Tensor:
    """The orthonormal DCT-II of 8 values, a row for each frequency."""
    index = torch.arange(_SIDE, device=device, dtype=torch.float32)
    basis = torch.cos(math.pi * (2 * index + 1) * index[:, None] / (2 * _SIDE)) / 2
    basis[0] /= math.sqrt(2)
    return basis


def _order(device: torch.device) -> Tensor:
    """Vertical plus horizontal frequency of each coefficient, 0 to 14."""
    index = torch.arange(_SIDE, device=device)
    return index[:, None] + index


def _at_least(plane: Tensor, dim: int) -> Tensor:
    """A side below 8 pixels continued by mirroring."""
    size = plane.shape[dim]
    if size >= _SIDE:
        return plane
    period = torch.arange(_SIDE, device=plane.device) % (2 * size)
    return plane.index_select(dim, torch.minimum(period, 2 * size - 1 - period))
