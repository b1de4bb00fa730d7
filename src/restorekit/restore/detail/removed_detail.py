"""The detail in a residual, the image minus the result of a network.

The residual should be noise, but contains detail in two cases, which have a gain each. The gains
apply to an overlapping local cosine transform of the residual.

- A network that smooths too much removes structure that exceeds the noise. Noise has similar energy
  at neighbouring positions and frequencies, at a level that is measured in the residual itself. A
  Wiener gain keeps what exceeds it, as in Yaroslavsky, Local adaptive image restoration and
  enhancement with the use of DFT and DCT in a running window, SPIE 1996,
  https://doi.org/10.1117/12.255218.
- A good network still removes texture that is weaker than the noise. It cannot be detected in the
  residual, but it lies where the restored image has texture of the same frequency. There most of
  the residual is kept. A linear gain costs the least noise for a given share of weak detail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from restorekit.restore.detail.local_cosine import (
    BLOCK,
    STEP,
    analyse,
    diagonal_order,
    frequency_mean,
    position_mean,
    synthesise,
    white_spectrum,
    without_shading,
)

# Mean energy over 3x3 positions and 3x3 frequencies that noise of unit variance does not reach.
_NOISE_BOUND = 2.0
_PLACES = 9  # side, in blocks, of the window in which the local noise level is measured
_MEDIAN_OF_SQUARES = 0.4549364  # of a standard normal variable
_MEDIAN_OF_SIZES = 0.6744898
# Range of influence of a pixel: a block, its neighbours, and the window of the noise level.
REACH = 2 * BLOCK + STEP * (2 + _PLACES // 2)
REACH += -REACH % STEP
# The gain for texture grows from 0, where the energy of the restored image is this part of the
# noise energy, to the largest gain, where it is _RISE times that.
_LEAST_TEXTURE, _RISE, _LARGEST_GAIN = 0.006, 10.0, 0.9
# Colour differences of texture are weaker, and their noise is more visible.
_LEAST_COLOUR = 3.3 * _LEAST_TEXTURE
_HIGH = 9  # diagonal order of the frequencies that are high
_ROUNDING = 4.0  # the energy of texture exceeds that of rounding by this factor
_OUTLIER = 4.0  # standard deviations
# Luma first, then colour differences; orthonormal, so that white noise stays white.
_PLANES = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))


@dataclass(frozen=True)
class RemovedNoise:
    """The noise in a residual.

    Attributes:
        spectrum: its variance at each frequency of the local cosine transform, (C, 64).
        limit: the largest value that is noise and not an impulse, (C,).
        rounding: variance of the rounding error of the restored image.
        is_colour: whether the first three channels are red, green and blue.
    """

    spectrum: Tensor
    limit: Tensor
    rounding: float = 0.0
    is_colour: bool = False

    @classmethod
    def measure(
        cls, residuals: Tensor, rounding: float = 0.0, is_colour: bool = False
    ) -> RemovedNoise:
        """Measure the noise by medians, because structure and impulses occupy few places.

        Args:
            residuals: pieces of a residual, (B, C, H, W).
            rounding: variance of the rounding error of the restored image.
            is_colour: whether the first three channels are red, green and blue.
        """
        planes = _to_planes(residuals, is_colour)
        everywhere = analyse(planes).square().permute(1, 2, 0, 3, 4).flatten(2)
        spectrum = everywhere.median(dim=2).values / _MEDIAN_OF_SQUARES
        sizes = planes.abs().transpose(0, 1).flatten(1).median(dim=1).values
        limit = _OUTLIER / _MEDIAN_OF_SIZES * sizes
        return cls(spectrum.clamp(min=1e-12), limit, rounding, is_colour)

    def detail_in(self, original: Tensor, restored: Tensor) -> Tensor:
        """The detail in the residual of an image or a part of it.

        Args:
            original: (B, C, H, W), floats on the [0, 1] scale.
            restored: the result of the network.

        Returns:
            (B, C, H, W), to be added to the result.
        """
        planes = _to_planes(restored, self.is_colour)
        residual = _to_planes(original, self.is_colour) - planes
        coefficients = analyse(residual)
        spectrum = self.spectrum[:, :, None, None]
        energy = coefficients.square() / spectrum
        # The level varies over the picture: brighter areas of a photograph have more noise. The
        # median over the frequencies measures it, because structure occupies few of them. A third
        # of the frequencies is enough and takes a third of the time.
        local = energy[:, :, 1::3].median(dim=2, keepdim=True).values / _MEDIAN_OF_SQUARES
        local = position_mean(local, _PLACES).clamp(min=1e-3)
        structure = _structure_gain(energy, local)
        texture = self._texture_gain(planes, local)
        limit = self.limit[:, None, None]
        clipped = analyse(residual.clamp(-limit, limit))
        detail = structure * coefficients + (texture - structure).clamp(min=0) * clipped
        return _from_planes(synthesise(detail, original.shape[-2:]), self.is_colour)

    def _texture_gain(self, planes: Tensor, local: Tensor) -> Tensor:
        """The gain where the restored image has texture, (B, C, 64, rows, columns)."""
        energy = frequency_mean(without_shading(analyse(planes)).square())
        least = self.spectrum * self._coarseness().square() * _LEAST_TEXTURE
        if self.is_colour:
            least[1:3] *= _LEAST_COLOUR / _LEAST_TEXTURE
        least = least[:, :, None, None] * local
        least = least + _ROUNDING * self.rounding * white_spectrum().to(least)[:, None, None]
        rise = ((energy / least).clamp(min=1e-6).log() / math.log(_RISE)).clamp(0, 1)
        gain = _LARGEST_GAIN * rise.square() * (3 - 2 * rise)
        gain[:, :, [0, 1, BLOCK]] = 0  # the mean of a block and its slopes are not texture
        return gain

    def _coarseness(self) -> Tensor:
        """How much the noise at each frequency exceeds that at high frequencies, from 1, (C, 64).

        Networks leave a part of coarse noise in the image, which must not count as texture.
        """
        relative = self.spectrum / white_spectrum().to(self.spectrum)
        high = relative[:, diagonal_order() >= _HIGH].mean(1, keepdim=True)
        return (relative / high).clamp(min=1)


def _structure_gain(energy: Tensor, local: Tensor) -> Tensor:
    """The gain where the residual exceeds the noise; both relative to the spectrum of the noise."""
    mean = position_mean(frequency_mean(energy), 3)
    return (1 - _NOISE_BOUND * local / mean.clamp(min=1e-12)).clamp(min=0)


def _to_planes(image: Tensor, is_colour: bool) -> Tensor:
    return _transformed(image, 0) if is_colour else image


def _from_planes(planes: Tensor, is_colour: bool) -> Tensor:
    return _transformed(planes, 1) if is_colour else planes


def _transformed(image: Tensor, axis: int) -> Tensor:
    """The first three channels times the matrix of the planes, or times its transpose."""
    matrix = image.new_tensor(_PLANES)
    matrix = matrix / matrix.norm(dim=1, keepdim=True)
    matrix = matrix if axis == 0 else matrix.T
    first = torch.einsum("ij,bjhw->bihw", matrix, image[:, :3])
    return torch.cat([first, image[:, 3:]], 1)
